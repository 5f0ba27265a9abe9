-- What digi.me needs beyond the core. A library is a user; contracts are registrations.

-- Nonces of request tokens, each good once, remembered for twice the time in which a token is taken.
CREATE TABLE nonces (
    registration_id uuid NOT NULL REFERENCES registrations ON DELETE CASCADE,
    nonce           text NOT NULL,
    application_id  uuid NOT NULL,
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (registration_id, nonce)
);
CREATE INDEX nonces_over ON nonces (expires_at);

-- A time in which whoever has the key may read a library's files.
CREATE TABLE library_sessions (
    id              uuid PRIMARY KEY,
    application_id  uuid NOT NULL,
    registration_id uuid NOT NULL REFERENCES registrations ON DELETE CASCADE,
    user_id         uuid REFERENCES users ON DELETE CASCADE,  -- none until somebody has consented
    key_hash        bytea NOT NULL UNIQUE,
    options         jsonb NOT NULL,                           -- what its contract wants to read, and how
    triggered_at    timestamptz,                              -- none until then
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL
);
CREATE INDEX library_sessions_of_user ON library_sessions (user_id);
CREATE INDEX library_sessions_over ON library_sessions (expires_at);

-- The syncs that a session waits for.
CREATE TABLE session_syncs (
    session_id     uuid NOT NULL REFERENCES library_sessions ON DELETE CASCADE,
    sync_id        uuid NOT NULL REFERENCES syncs ON DELETE CASCADE,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL,
    PRIMARY KEY (session_id, sync_id)
);
CREATE INDEX session_syncs_of_user ON session_syncs (user_id);
CREATE INDEX session_syncs_by_sync ON session_syncs (sync_id);

-- A person on the way through the consent pages, with a code that opens them.
CREATE TABLE consent_visits (
    id              uuid PRIMARY KEY,
    application_id  uuid NOT NULL,
    registration_id uuid NOT NULL REFERENCES registrations ON DELETE CASCADE,
    session_id      uuid NOT NULL REFERENCES library_sessions ON DELETE CASCADE,
    user_id         uuid REFERENCES users ON DELETE CASCADE,  -- whose library; none until that is known
    code_hash       bytea NOT NULL UNIQUE,
    kind            text NOT NULL CHECK (kind IN ('authorize', 'onboard')),
    redirect_uri    text NOT NULL,
    state           text,
    challenge       text,                                     -- PKCE, S256
    browser_hash    bytea,                                    -- of the browser that consented: nobody else goes on
    connection_id   uuid REFERENCES connections ON DELETE SET NULL,  -- what it has linked here
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz
);
CREATE INDEX consent_visits_of_user ON consent_visits (user_id);
CREATE INDEX consent_visits_of_session ON consent_visits (session_id);

-- When the content of a file that is put together from many rows was last seen to be another one.
CREATE TABLE library_files (
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name           text NOT NULL,
    application_id uuid NOT NULL,
    signature      bigint NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (user_id, name)
);

-- Where a contract pushes files for a library.
CREATE TABLE postboxes (
    id              uuid PRIMARY KEY,
    application_id  uuid NOT NULL,
    registration_id uuid NOT NULL REFERENCES registrations ON DELETE CASCADE,
    user_id         uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    public_id       text NOT NULL UNIQUE,
    public_key      text NOT NULL,   -- PEM, PKCS #1
    private_key     bytea NOT NULL,
    created_at      timestamptz NOT NULL,
    UNIQUE (registration_id, user_id)
);
CREATE INDEX postboxes_of_user ON postboxes (user_id);

-- What was pushed and is not a document yet.
CREATE TABLE postbox_items (
    id             uuid PRIMARY KEY,
    number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    postbox_id     uuid NOT NULL REFERENCES postboxes ON DELETE CASCADE,
    application_id uuid NOT NULL,
    user_id        uuid NOT NULL,
    name           text NOT NULL,
    descriptor     bytea NOT NULL,
    content        bytea NOT NULL,
    created_at     timestamptz NOT NULL
);
ALTER TABLE postbox_items ALTER content SET STORAGE EXTERNAL;
CREATE INDEX postbox_items_of_user ON postbox_items (user_id, number);
CREATE INDEX postbox_items_of_postbox ON postbox_items (postbox_id);

-- What its contract said of a document that was pushed.
CREATE TABLE pushed_documents (
    document_id     uuid PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    application_id  uuid NOT NULL,
    user_id         uuid NOT NULL,
    registration_id uuid NOT NULL REFERENCES registrations ON DELETE CASCADE,
    descriptor      bytea NOT NULL
);
CREATE INDEX pushed_documents_of_user ON pushed_documents (user_id);
