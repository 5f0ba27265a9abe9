-- Acts on users as a chain that shows every edit, users on their way out, and what Thales D1 keeps of a consumer.

-- Being erased since then: nobody finds the user any more, and nothing is begun for him. And since when that stands in the
-- ledger outside the database: from then on there is no way back.
ALTER TABLE users ADD leaving_at timestamptz, ADD ledgered_at timestamptz;

-- Nobody can vouch for records from before there were chains, and no version that made such was released.
DELETE FROM operations;
ALTER TABLE operations
    ADD error_code text,
    ADD error      text,
    ADD place      bigint,   -- in the application's chain, counted from 1; none while the operation is pending
    ADD hash       bytea,    -- over every other column and the hash of the record before it, with a key of the root key's
    ADD UNIQUE (application_id, place);
CREATE UNIQUE INDEX operations_one_erasure ON operations (user_id) WHERE status = 'pending';

-- One row an application: the lock that puts its records in a row, and both ends of what is kept.
CREATE TABLE operation_chains (
    application_id uuid PRIMARY KEY,
    first          bigint NOT NULL,  -- place of the oldest record that is kept
    before         bytea NOT NULL,   -- hash of the record before that one
    last           bigint NOT NULL,  -- place of the newest
    pending        integer NOT NULL, -- records that have no place yet
    hash           bytea NOT NULL,   -- of the newest
    seal           bytea NOT NULL    -- over all of this, with the same key
);

-- By which id an application knows a user, as a keyed hash: it outlives the user, so that his operations are found.
CREATE TABLE pseudonyms (
    application_id uuid NOT NULL,
    digest         bytea NOT NULL,
    user_id        uuid NOT NULL,
    PRIMARY KEY (application_id, digest, user_id)
);
CREATE INDEX pseudonyms_of_user ON pseudonyms (user_id);

-- Cards that an issuer registered for a consumer, sealed and never looked into.
CREATE TABLE cards (
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    digest         bytea NOT NULL,   -- of the card's id, keyed
    application_id uuid NOT NULL,
    content        bytea NOT NULL,
    PRIMARY KEY (user_id, digest)
);

-- All that is one user's is found without reading what is everybody's.
CREATE INDEX connection_channels_of_user ON connection_channels (user_id);
CREATE INDEX syncs_of_user ON syncs (user_id);
CREATE INDEX uploads_of_user ON uploads (user_id);
CREATE INDEX balances_of_user ON balances (user_id);
CREATE INDEX transaction_days_of_user ON transaction_days (user_id);
