-- What Oxlin needs beyond the core: token pairs that are told apart by who was made from whom, codes of the sign-in page, event
-- queues with what a connection was at each event, and what a user says of an account or a connection.

-- A refresh token stays good until the one made from it is used.
ALTER TABLE grants ADD parent_id uuid, ADD spent_at timestamptz;
CREATE INDEX grants_by_parent ON grants (parent_id) WHERE parent_id IS NOT NULL;

-- Codes that a browser brings to its application, to be exchanged for tokens once.
CREATE TABLE authorization_codes (
    code_hash       bytea PRIMARY KEY,
    application_id  uuid NOT NULL,
    user_id         uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    registration_id uuid NOT NULL REFERENCES registrations ON DELETE CASCADE,
    family          uuid NOT NULL,         -- of the tokens it is exchanged for
    redirect_uri    text NOT NULL,
    scope           text[] NOT NULL,
    challenge       text,                  -- PKCE, S256
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz
);
CREATE INDEX authorization_codes_of_user ON authorization_codes (user_id);

-- A reader of the event log that speaks for one user.
CREATE TABLE queues (
    id             uuid PRIMARY KEY,
    number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    position       bigint NOT NULL,        -- of the last event that is not, or no longer, in it
    created_at     timestamptz NOT NULL,
    read_at        timestamptz NOT NULL
);
CREATE INDEX queues_of_user ON queues (user_id, number);
CREATE INDEX queues_unread ON queues (read_at);

-- What a connection was when an event was recorded; kept for users with a queue, as long as the event.
CREATE TABLE event_snapshots (
    application_id uuid NOT NULL,
    position       bigint NOT NULL,
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    content        jsonb NOT NULL,         -- a `Snapshot`
    PRIMARY KEY (application_id, position),
    FOREIGN KEY (application_id, position) REFERENCES events ON DELETE CASCADE
);
CREATE INDEX event_snapshots_of_user ON event_snapshots (user_id, position);

ALTER TABLE syncs ADD challenge_asked_at timestamptz;
ALTER TABLE connections ADD consent_per_account boolean NOT NULL DEFAULT false;
-- What its user calls an account, and what he uses it for, whatever the provider says.
ALTER TABLE accounts ADD given_name text, ADD given_professional boolean;

-- Transactions in the order of their import; the index by user alone is part of it.
CREATE INDEX transactions_by_import ON transactions (user_id, created_at, number DESC);
DROP INDEX transactions_of_user;
