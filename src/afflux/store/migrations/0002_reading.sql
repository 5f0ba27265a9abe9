-- What the facades need to answer: keys to sign tokens with, addresses to be proven, and counts that make any page of an
-- account as quick as the first.

-- RSA keys that sign access tokens. The private key is sealed by the root key; a retired one still verifies.
CREATE TABLE signing_keys (
    id          text PRIMARY KEY,       -- the `kid` of the tokens
    private_key bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    retired_at  timestamptz
);

-- The address a user is to prove, or has proven: one at most.
CREATE TABLE address_validations (
    user_id          uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    application_id   uuid NOT NULL,
    address          text NOT NULL,
    token            bytea,             -- sealed; none once validated
    token_expires_at timestamptz,
    tries            integer NOT NULL DEFAULT 0,  -- with wrong tokens
    job_id           bigint,            -- of the queue, which mails the token
    mailed_at        timestamptz,
    validated_at     timestamptz
);

-- How many transactions an account has up to each day, the day included; kept by those who write transactions. The last
-- of these is the account's total, and a far page is found by number as fast as a near one.
CREATE TABLE transaction_days (
    account_id     uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    day            date NOT NULL,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL,
    through        bigint NOT NULL,
    PRIMARY KEY (account_id, day) INCLUDE (through)
);
CREATE INDEX transaction_days_by_number ON transaction_days (account_id, through, day);
INSERT INTO transaction_days (account_id, day, application_id, user_id, through)
SELECT account_id, day, application_id, user_id, sum(count(*)) OVER (PARTITION BY account_id ORDER BY day)
FROM transactions GROUP BY 1, 2, 3, 4;

-- In the order that pages have: newest day first, within it as inserted.
DROP INDEX transactions_of_account;
CREATE INDEX transactions_of_account ON transactions (account_id, day DESC, number);

CREATE INDEX transactions_of_user ON transactions (user_id);
CREATE INDEX connect_sessions_expired ON connect_sessions (expires_at);
CREATE INDEX events_in_time ON events (created_at);

-- What tells of a sync's state, for lists of it; the same types as `STATES_OF_A_SYNC` in domain/events.py. With the time
-- inside, neither counting nor skipping to a far page reads a row.
CREATE INDEX events_of_syncs ON events (application_id, position) INCLUDE (created_at)
WHERE type IN ('sync.requested', 'sync.started', 'sync.progressed', 'sync.waiting', 'sync.answered', 'sync.postponed',
               'sync.finished', 'sync.failed', 'sync.cancelled');

-- Several channels of one connection.
ALTER TABLE connection_channels ADD listed_at timestamptz;     -- when a sync of kind `accounts` last listed its accounts
ALTER TABLE syncs ADD let_in integer;                          -- the channel whose provider last let this stage in
ALTER TABLE accounts ADD listed_by integer[] NOT NULL DEFAULT '{}';  -- the channels whose lists have it
UPDATE accounts SET listed_by = ARRAY[channel_id] WHERE status IN ('active', 'closed');
UPDATE connection_channels SET status = 'new' WHERE status = 'running';  -- only an active sync says so

-- A person on the way to a bank's own page: one at most for each channel, gone once used.
CREATE TABLE consent_requests (
    connection_id  uuid NOT NULL,
    channel_id     integer NOT NULL,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL,
    state_hash     bytea NOT NULL UNIQUE,
    redirect_url   text,                -- where the person goes on to, with the outcome
    expires_at     timestamptz NOT NULL,
    PRIMARY KEY (connection_id, channel_id),
    FOREIGN KEY (connection_id, channel_id) REFERENCES connection_channels ON DELETE CASCADE
);
