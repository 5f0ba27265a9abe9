-- The first tables. Every table with user data carries application_id, and every row of a user hangs on users by a chain of
-- ON DELETE CASCADE, so that erasing the user erases the row. `number` is the identifier for dialects with numeric ids.

-- Which root key the database is sealed with, so that a server with another one refuses to start.
CREATE TABLE root_keys (
    key_id     text PRIMARY KEY,
    created_at timestamptz NOT NULL
);

CREATE TABLE applications (
    id            uuid PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    psd2          boolean NOT NULL DEFAULT false,
    redirect_uris text[] NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL
);

-- How one facade knows an application: its public identifier there, and its secret or key.
CREATE TABLE registrations (
    id             uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications ON DELETE CASCADE,
    facade         text NOT NULL CHECK (facade IN ('iswigo', 'oxlin', 'd1', 'digime')),
    public_id      text NOT NULL,
    secret_sealed  bytea,             -- recoverable: Iswigo's signature needs the secret itself
    secret_hash    bytea,             -- everything else
    public_key     text,              -- PEM
    settings       jsonb NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL,
    UNIQUE (facade, public_id)
);
CREATE INDEX registrations_of_application ON registrations (application_id);

CREATE TABLE users (
    id             uuid PRIMARY KEY,
    number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    application_id uuid NOT NULL REFERENCES applications ON DELETE CASCADE,
    external_id    text,              -- the application's own id for the user
    email          text,
    password_hash  text,
    data_key       bytea NOT NULL,    -- the user's key, wrapped by the root key
    profile        jsonb NOT NULL DEFAULT '{}',
    suspended_at   timestamptz,
    created_at     timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_by_email ON users (application_id, lower(email));
CREATE UNIQUE INDEX users_by_external_id ON users (application_id, external_id);
CREATE INDEX users_in_order ON users (application_id, created_at, id);

-- The catalogue, written from the connectors' manifests at every start.
CREATE TABLE providers (
    id         integer PRIMARY KEY,
    connector  text NOT NULL,
    name       text NOT NULL,
    country    text NOT NULL,
    url        text,
    logo       text,
    status     text NOT NULL,
    kinds      text[] NOT NULL,
    properties jsonb NOT NULL,
    listed     boolean NOT NULL DEFAULT true  -- false once no connector brings it any more
);

CREATE TABLE channels (
    id          integer PRIMARY KEY,
    provider_id integer NOT NULL REFERENCES providers,
    place       smallint NOT NULL,  -- order within the provider
    auth        text NOT NULL,
    kinds       text[] NOT NULL,
    form        jsonb NOT NULL,
    limits      jsonb NOT NULL
);
CREATE INDEX channels_of_provider ON channels (provider_id, place);

-- Days by which the clock of a connector's banks runs ahead (the sandbox's movable clock).
CREATE TABLE connector_clocks (
    connector  text PRIMARY KEY,
    days_ahead integer NOT NULL
);

CREATE TABLE connections (
    id                 uuid PRIMARY KEY,
    number             bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    application_id     uuid NOT NULL,
    user_id            uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    provider_id        integer NOT NULL REFERENCES providers,
    name               text NOT NULL,
    login_mask         text,
    auto_sync          boolean NOT NULL DEFAULT true,
    last_success_at    timestamptz,
    last_error_at      timestamptz,
    consecutive_errors integer NOT NULL DEFAULT 0,
    next_sync_at       timestamptz,
    created_at         timestamptz NOT NULL
);
CREATE INDEX connections_of_user ON connections (user_id, created_at, id);
CREATE INDEX connections_due ON connections (next_sync_at) WHERE next_sync_at IS NOT NULL;

CREATE TABLE connection_channels (
    connection_id      uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    channel_id         integer NOT NULL REFERENCES channels,
    application_id     uuid NOT NULL,
    user_id            uuid NOT NULL,
    status             text NOT NULL DEFAULT 'new',
    error_code         text,
    frozen             boolean NOT NULL DEFAULT false,  -- refused once; waits for the user
    credentials        bytea,
    state              bytea,
    consent_expires_at timestamptz,
    last_end_at        timestamptz,
    last_success_at    timestamptz,
    PRIMARY KEY (connection_id, channel_id)
);

CREATE TABLE syncs (
    id                   uuid PRIMARY KEY,
    number               bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    application_id       uuid NOT NULL,
    user_id              uuid NOT NULL,
    connection_id        uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    provider_id          integer NOT NULL,
    kind                 text NOT NULL CHECK (kind IN ('accounts', 'all')),
    then_kind            text CHECK (then_kind IN ('accounts', 'all')),
    stage                text NOT NULL CHECK (stage IN ('accounts', 'all')),
    interactive          boolean NOT NULL,
    status               text NOT NULL CHECK (status IN ('pending', 'running', 'waiting', 'finished', 'failed', 'cancelled')),
    attempt              integer NOT NULL DEFAULT 0,  -- the fence: a run writes only while this is its own number
    job_id               bigint,                      -- the queue's job that owns the run
    losses               smallint NOT NULL DEFAULT 0, -- workers that died with it
    losses_here          smallint NOT NULL DEFAULT 0, -- those since it last got further
    retries              smallint NOT NULL DEFAULT 0,
    outcomes             jsonb NOT NULL DEFAULT '{}', -- by channel id: what this sync's stage has come to there
    channel_id           integer,
    phase                text,
    percent              smallint,
    error_code           text,
    error_detail         text,
    challenge            jsonb,
    challenge_expires_at timestamptz,
    parked               bytea,
    answer               bytea,
    result               jsonb NOT NULL DEFAULT '{}',
    requested_at         timestamptz NOT NULL,
    started_at           timestamptz,
    deadline_at          timestamptz,
    ended_at             timestamptz
);
CREATE UNIQUE INDEX syncs_one_active ON syncs (connection_id) WHERE status IN ('pending', 'running', 'waiting');
CREATE INDEX syncs_of_connection ON syncs (connection_id, number);
CREATE INDEX syncs_waiting ON syncs (challenge_expires_at) WHERE status = 'waiting';

-- Files handed in for a connection, sealed, until a sync has read them.
CREATE TABLE uploads (
    id             uuid PRIMARY KEY,
    number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL,
    connection_id  uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    name           text NOT NULL,
    mapping        text,
    content        bytea,
    status         text NOT NULL CHECK (status IN ('waiting', 'done', 'failed')),
    format         text,
    result         jsonb NOT NULL DEFAULT '{}',
    error          text,
    created_at     timestamptz NOT NULL,
    ended_at       timestamptz
);
ALTER TABLE uploads ALTER content SET STORAGE EXTERNAL;
CREATE INDEX uploads_waiting ON uploads (connection_id, number) WHERE status = 'waiting';
CREATE INDEX uploads_of_connection ON uploads (connection_id);

CREATE TABLE accounts (
    id              uuid PRIMARY KEY,
    number          bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    application_id  uuid NOT NULL,
    user_id         uuid NOT NULL,
    connection_id   uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    channel_id      integer NOT NULL,
    key             text NOT NULL,
    hash            bytea NOT NULL,
    type            text NOT NULL,
    status          text NOT NULL CHECK (status IN ('active', 'closed', 'not_found', 'deleted')),
    name            text NOT NULL,
    account_number  text NOT NULL,
    iban            text,
    bban            text,
    bic             text,
    currency        text NOT NULL,
    balance         numeric,
    balance_at      timestamptz,
    owner           text,
    is_professional boolean NOT NULL,
    parent_id       uuid REFERENCES accounts ON DELETE SET NULL,
    cursor          text,
    raw             text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    -- Deferred, because two accounts may swap keys that are no more than places in a list.
    UNIQUE (connection_id, key) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX accounts_of_user ON accounts (user_id, created_at, number);
CREATE INDEX accounts_by_parent ON accounts (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE balances (
    account_id     uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    kind           text NOT NULL,
    day            date NOT NULL,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL,
    amount         numeric NOT NULL,
    currency       text NOT NULL,
    PRIMARY KEY (account_id, kind, day)
);

CREATE TABLE transactions (
    id                   uuid PRIMARY KEY,
    number               bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    application_id       uuid NOT NULL,
    user_id              uuid NOT NULL,
    account_id           uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    identity             text NOT NULL,
    hash                 bytea NOT NULL,
    status               text NOT NULL,
    type                 text NOT NULL,
    day                  date NOT NULL,
    booking_date         date,
    value_date           date,
    transaction_date     date,
    amount               numeric NOT NULL,
    currency             text NOT NULL,
    text                 text NOT NULL,
    counterparty         text,
    counterparty_account text,
    refs                 jsonb NOT NULL,
    check_number         text,
    original_amount      numeric,
    original_currency    text,
    settlement_month     text,
    raw                  text,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    -- Deferred, because one statement may hand the identities of two look-alikes round.
    CONSTRAINT transactions_identity UNIQUE (account_id, identity) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX transactions_of_account ON transactions (account_id, day, number);

CREATE TABLE blobs (
    id             uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    sha256         bytea NOT NULL,
    size           bigint NOT NULL,
    content        bytea NOT NULL,
    UNIQUE (user_id, sha256)
);
ALTER TABLE blobs ALTER content SET STORAGE EXTERNAL;

CREATE TABLE documents (
    id             uuid PRIMARY KEY,
    number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL,
    connection_id  uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    account_id     uuid REFERENCES accounts ON DELETE SET NULL,
    blob_id        uuid NOT NULL REFERENCES blobs ON DELETE CASCADE,
    key            text NOT NULL,
    name           text NOT NULL,
    extension      text NOT NULL,
    mime           text NOT NULL,
    size           bigint NOT NULL,
    type           text NOT NULL,
    amount         numeric,
    payment_date   date,
    sha1           bytea NOT NULL,
    dated_at       timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    UNIQUE (connection_id, key)
);
CREATE INDEX documents_of_user ON documents (user_id, created_at, number);
CREATE INDEX documents_by_blob ON documents (blob_id);
CREATE INDEX documents_by_account ON documents (account_id) WHERE account_id IS NOT NULL;

-- One row an application: the lock and the counter that give events their positions in commit order.
CREATE TABLE event_heads (
    application_id uuid PRIMARY KEY REFERENCES applications ON DELETE CASCADE,
    position       bigint NOT NULL DEFAULT 0
);

CREATE TABLE events (
    application_id uuid NOT NULL REFERENCES applications ON DELETE CASCADE,
    position       bigint NOT NULL,
    number         bigint GENERATED ALWAYS AS IDENTITY,
    id             uuid NOT NULL,
    type           text NOT NULL,
    user_id        uuid REFERENCES users ON DELETE CASCADE,
    connection_id  uuid,
    sync_id        uuid,
    data           jsonb NOT NULL,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (application_id, position)
);
CREATE UNIQUE INDEX events_by_id ON events (id);
CREATE INDEX events_of_user ON events (user_id, position);

-- Audited acts on users. No foreign key to the user: the record of an erasure outlives the erased.
CREATE TABLE operations (
    id             uuid PRIMARY KEY,
    number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL,
    kind           text NOT NULL,
    status         text NOT NULL CHECK (status IN ('pending', 'successful', 'failed')),
    actor          text NOT NULL CHECK (actor IN ('user', 'application', 'operator', 'system')),
    reason         text,
    reason_code    text,
    counts         jsonb NOT NULL DEFAULT '{}',
    started_at     timestamptz NOT NULL,
    ended_at       timestamptz
);
CREATE INDEX operations_on_user ON operations (application_id, user_id, number);

-- Token pairs given to somebody; only hashes are kept.
CREATE TABLE grants (
    id                 uuid PRIMARY KEY,
    application_id     uuid NOT NULL REFERENCES applications ON DELETE CASCADE,
    user_id            uuid REFERENCES users ON DELETE CASCADE,
    registration_id    uuid NOT NULL REFERENCES registrations ON DELETE CASCADE,
    facade             text NOT NULL,
    family             uuid NOT NULL,
    scope              text[] NOT NULL DEFAULT '{}',
    access_hash        bytea UNIQUE,
    access_expires_at  timestamptz,
    refresh_hash       bytea UNIQUE,
    refresh_expires_at timestamptz,
    revoked_at         timestamptz,
    created_at         timestamptz NOT NULL
);
CREATE INDEX grants_of_user ON grants (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX grants_of_family ON grants (family);

-- One visit to the connect page.
CREATE TABLE connect_sessions (
    id             uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    facade         text NOT NULL,
    token_hash     bytea NOT NULL UNIQUE,
    action         text NOT NULL,
    state          jsonb NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL,
    opened_at      timestamptz,
    closed_at      timestamptz,
    expires_at     timestamptz NOT NULL
);
CREATE INDEX connect_sessions_of_user ON connect_sessions (user_id);
