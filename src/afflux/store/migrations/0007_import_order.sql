-- Transactions in the order of their import, as it is told: by whole seconds, and the newest row of a second first.
DROP INDEX transactions_by_import;
CREATE INDEX transactions_by_import
    ON transactions (user_id, date_trunc('second', created_at AT TIME ZONE 'UTC'), number DESC);
