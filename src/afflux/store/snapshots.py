"""What a connection was when an event was recorded, kept for the queues that will tell of it.

Taken in the transaction of the event and under the lock on its log: a queue that exists when an event gets its
position has the event's snapshot, and a queue that is made later begins after it.
"""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from afflux.domain.events import EventType

#: Of a connection, as `ConnectionFacts`; `users` is joined to it.
FACTS = """
    connections.id, connections.number, users.number AS user_number, connections.provider_id, connections.name,
    connections.auto_sync, connections.consent_per_account, connections.created_at,
    (SELECT owner FROM accounts WHERE accounts.application_id = connections.application_id
     AND connection_id = connections.id AND owner IS NOT NULL ORDER BY accounts.number LIMIT 1) AS owner,
    ARRAY(SELECT DISTINCT unnest(listed_by || channel_id) FROM accounts
          WHERE accounts.application_id = connections.application_id
          AND connection_id = connections.id AND status = 'deleted') AS eligible
"""
#: Of a sync, as `SyncOverview`. An answered challenge is no longer asked.
SYNC = """
    syncs.stage, syncs.outcomes, syncs.channel_id, syncs.challenge_asked_at,
    syncs.challenge_expires_at, CASE WHEN syncs.answer IS NULL THEN syncs.challenge END AS challenge
"""
#: Of an account, as `AccountOverview`; what is joined is in `ACCOUNTS`. The balance is text, to stay exact in JSON.
ACCOUNT = """
    accounts.id, accounts.number, connections.number AS connection_number, accounts.channel_id, accounts.type,
    coalesce(accounts.given_name, accounts.name) AS name, account_number, iban, currency, balance::text AS balance,
    CASE WHEN balance IS NOT NULL THEN coalesce(balance_at, held.last_success_at, accounts.updated_at) END
    AS balance_at, owner, coalesce(given_professional, is_professional) AS is_professional, accounts.created_at,
    CASE WHEN accounts.status IN ('closed', 'not_found') THEN accounts.status
         WHEN channels.auth = 'file' THEN 'manual'
         WHEN connections.consent_per_account THEN 'awaits_consent'
         WHEN NOT EXISTS (SELECT FROM connection_channels AS well WHERE well.application_id = accounts.application_id
                          AND well.connection_id = accounts.connection_id AND well.channel_id = ANY(listed_by)
                          AND well.error_code IS NULL) THEN 'failing'
         ELSE 'active' END AS standing
"""
ACCOUNTS = """
    accounts
    JOIN connections ON connections.application_id = accounts.application_id AND connections.id = connection_id
    JOIN channels ON channels.id = accounts.channel_id
    LEFT JOIN connection_channels AS held ON held.application_id = accounts.application_id
         AND held.connection_id = accounts.connection_id AND held.channel_id = accounts.channel_id
"""
#: The events that a queue tells of.
TOLD = frozenset(
    {
        EventType.SYNC_ENTERED,
        EventType.SYNC_WAITING,
        EventType.SYNC_LISTED,
        EventType.SYNC_FINISHED,
        EventType.SYNC_FAILED,
        EventType.SYNC_CANCELLED,
        EventType.CHANNEL_AUTHENTICATED,
        EventType.CHANNEL_SUCCEEDED,
        EventType.CHANNEL_FAILED,
    }
)


async def take(connection: asyncpg.Connection, application_id: UUID, before: int, types: Iterable[EventType]) -> None:
    """Keep what the connections of the events after position `before` are, where their users have queues.

    What ends with its connection is told to nobody.
    """
    if TOLD.isdisjoint(types):
        return
    await connection.execute(
        f"""
        INSERT INTO event_snapshots (application_id, position, user_id, content)
        SELECT $1, events.position, events.user_id, jsonb_build_object(
            'facts', (SELECT to_jsonb(facts) FROM (
                SELECT {FACTS} FROM connections JOIN users ON users.id = connections.user_id
                WHERE connections.application_id = $1 AND connections.id = events.connection_id) AS facts),
            'sync', (SELECT to_jsonb(told) FROM (
                SELECT {SYNC} FROM syncs WHERE application_id = $1 AND id = events.sync_id) AS told),
            'accounts', (SELECT coalesce(jsonb_agg(to_jsonb(listed) ORDER BY listed.number), '[]') FROM (
                SELECT {ACCOUNT} FROM {ACCOUNTS}
                WHERE events.data ? 'accounts' AND accounts.application_id = $1
                AND accounts.connection_id = events.connection_id AND accounts.status <> 'deleted'
                AND coalesce((events.data ->> 'channel_id')::integer = ANY(accounts.listed_by), true)) AS listed))
        FROM events
        WHERE events.application_id = $1 AND events.position > $2 AND events.type = ANY($3)
        AND EXISTS (SELECT FROM connections WHERE connections.application_id = $1 AND id = events.connection_id)
        AND EXISTS (SELECT FROM queues WHERE queues.application_id = $1 AND queues.user_id = events.user_id)
        """,
        application_id,
        before,
        list(TOLD),
    )
