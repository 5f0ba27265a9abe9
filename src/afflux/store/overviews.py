"""Connections and accounts as a reader sees them, each read by one statement."""

from uuid import UUID

from afflux.domain.overviews import AccountOverview, ConnectionOverview, Standing
from afflux.domain.records import AccountType
from afflux.store.database import Tx
from afflux.store.rows import many, one
from afflux.store.snapshots import ACCOUNT, ACCOUNTS, FACTS, SYNC

_CONNECTION = f"""
    SELECT to_jsonb(facts) AS facts,
           (SELECT coalesce(jsonb_agg(to_jsonb(states) ORDER BY states.place), '[]') FROM (
                SELECT channels.place, held.channel_id, held.status, held.error_code,
                       channels.auth = 'redirect' AND held.consent_expires_at IS NULL AS awaits_consent,
                       held.consent_expires_at, held.last_end_at, held.last_success_at
                FROM connection_channels AS held JOIN channels ON channels.id = held.channel_id
                WHERE held.application_id = $1 AND held.connection_id = facts.id) AS states) AS channels,
           (SELECT to_jsonb(active) FROM (
                SELECT {SYNC} FROM syncs WHERE application_id = $1 AND connection_id = facts.id
                AND status IN ('pending', 'running', 'waiting')) AS active) AS sync
    FROM (SELECT {FACTS} FROM connections JOIN users ON users.id = connections.user_id
          WHERE connections.application_id = $1 AND connections.user_id = $2
          AND ($3::bigint IS NULL OR connections.number = $3)) AS facts
"""


async def connections(tx: Tx, application_id: UUID, user_id: UUID) -> list[ConnectionOverview]:
    """All connections of the user, oldest first."""
    rows = await tx.fetch(f"{_CONNECTION} ORDER BY facts.number", application_id, user_id, None)
    return many(ConnectionOverview, rows)


async def connection(tx: Tx, application_id: UUID, user_id: UUID, number: int) -> ConnectionOverview:
    """One connection of the user. Raises `NotFound`."""
    row = await tx.row(_CONNECTION, application_id, user_id, number)
    return one(ConnectionOverview, row, "connection")


async def accounts(
    tx: Tx,
    application_id: UUID,
    user_id: UUID,
    first: int,
    limit: int,
    *,
    connection: int | None = None,
    types: list[AccountType] | None = None,
    standings: list[Standing] | None = None,
    is_professional: bool | None = None,
    words: str | None = None,
) -> list[AccountOverview]:
    """`limit` of the user's accounts that are not deleted from index `first`, oldest first; None asks for all."""
    rows = await tx.fetch(
        f"""
        SELECT * FROM (
            SELECT {ACCOUNT} FROM {ACCOUNTS}
            WHERE accounts.application_id = $1 AND accounts.user_id = $2 AND accounts.status <> 'deleted') AS listed
        WHERE ($5::bigint IS NULL OR connection_number = $5) AND ($6::text[] IS NULL OR type = ANY($6))
              AND ($7::text[] IS NULL OR standing = ANY($7)) AND ($8::boolean IS NULL OR is_professional = $8)
              AND ($9::text IS NULL OR position(lower($9) IN lower(concat_ws(' ', name, account_number, iban))) > 0)
        ORDER BY number OFFSET $3 LIMIT $4
        """,
        application_id,
        user_id,
        first,
        limit,
        connection,
        types,
        standings,
        is_professional,
        words,
    )
    return many(AccountOverview, rows)


async def account(tx: Tx, application_id: UUID, user_id: UUID, number: int) -> AccountOverview:
    """One account of the user that is not deleted. Raises `NotFound`."""
    row = await tx.row(
        f"""
        SELECT {ACCOUNT} FROM {ACCOUNTS}
        WHERE accounts.application_id = $1 AND accounts.user_id = $2 AND accounts.number = $3
        AND accounts.status <> 'deleted'
        """,
        application_id,
        user_id,
        number,
    )
    return one(AccountOverview, row, "account")
