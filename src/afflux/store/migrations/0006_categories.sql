-- Two facts that are kept, since to find them out takes too long or cannot be done later; and snapshots in one order.

-- What it was for, by the rules of domain/categories.json; `categories.file_anew` comes next.
ALTER TABLE transactions ADD category text NOT NULL DEFAULT 'UNCATEGORIZED';

-- The provider asked for its user during a sync. `auto_sync` is what the user wishes, from here on.
ALTER TABLE connections ADD needs_user boolean NOT NULL DEFAULT false;

-- In order for each user and in no other: else a plan may look for a user's newest among everybody's.
ALTER TABLE event_snapshots DROP CONSTRAINT event_snapshots_pkey, ADD PRIMARY KEY (user_id, position);
DROP INDEX event_snapshots_of_user;
CREATE INDEX event_snapshots_of_event ON event_snapshots USING hash (position);
