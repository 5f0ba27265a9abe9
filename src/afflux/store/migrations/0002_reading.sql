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
    validated_at     timestamptz
);

-- Transactions by account and day, kept by those who write transactions. Their sum is the account's total, and tells on
-- which day a far page begins.
CREATE TABLE transaction_days (
    account_id     uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    day            date NOT NULL,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL,
    count          integer NOT NULL,
    PRIMARY KEY (account_id, day)
);
INSERT INTO transaction_days (account_id, day, application_id, user_id, count)
SELECT account_id, day, application_id, user_id, count(*) FROM transactions GROUP BY 1, 2, 3, 4;

CREATE INDEX transactions_of_user ON transactions (user_id);
CREATE INDEX connect_sessions_expired ON connect_sessions (expires_at);
CREATE INDEX events_in_time ON events (application_id, created_at);
