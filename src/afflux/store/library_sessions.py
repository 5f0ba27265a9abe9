"""Sessions in which libraries are read. Whoever knows a session's key may read; only the key's hash is kept."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from afflux.domain.applications import Registration
from afflux.domain.libraries import Source
from afflux.store.database import Tx
from afflux.store.rows import many


async def insert(
    tx: Tx, registration: Registration, session_id: UUID, key_hash: bytes, options: object, expires_at: datetime
) -> None:
    """Add a session that nobody has consented to yet."""
    await tx.execute(
        """
        INSERT INTO library_sessions (id, application_id, registration_id, key_hash, options, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        session_id,
        registration.application.id,
        registration.id,
        key_hash,
        options,
        tx.now,
        expires_at,
    )


async def insert_begun(
    tx: Tx,
    registration: Registration,
    session_id: UUID,
    key_hash: bytes,
    options: object,
    expires_at: datetime,
    user_id: UUID,
) -> bool:
    """Add a session that begins now, and keep its user from being erased until the transaction ends; False when there
    is no such user (any more).
    """
    return bool(
        await tx.execute(
            """
            INSERT INTO library_sessions (id, application_id, registration_id, key_hash, options, created_at,
                                          triggered_at, expires_at, user_id)
            SELECT $1, $2, $3, $4, $5, $6, $6, $7, id FROM users
            WHERE application_id = $2 AND id = $8 AND leaving_at IS NULL FOR KEY SHARE
            """,
            session_id,
            registration.application.id,
            registration.id,
            key_hash,
            options,
            tx.now,
            expires_at,
            user_id,
        )
    )


async def by_key(tx: Tx, key_hash: bytes) -> dict[str, Any] | None:
    """The columns of the session with this key, over or not, with its contract's client id."""
    row = await tx.row(
        """
        -- every application: whoever has the key may read what it opens
        SELECT sessions.id, user_id, options, triggered_at, sessions.created_at, expires_at, public_id
        FROM library_sessions AS sessions JOIN registrations ON registrations.id = registration_id
        WHERE key_hash = $1
        """,
        key_hash,
    )
    return None if row is None else dict(row)


async def trigger(
    tx: Tx, application_id: UUID, session_id: UUID, user_id: UUID, expires_at: datetime, options: object | None
) -> None:
    """The session begins, or begins anew: it is this user's from now on. None leaves its options as they are."""
    await tx.execute(
        """
        UPDATE library_sessions SET user_id = $3, triggered_at = $4, expires_at = $5, options = coalesce($6, options)
        WHERE application_id = $1 AND id = $2
        """,
        application_id,
        session_id,
        user_id,
        tx.now,
        expires_at,
        options,
    )


async def prolong(tx: Tx, application_id: UUID, session_id: UUID, expires_at: datetime) -> None:
    """Let the session live until then, if that is later."""
    await tx.execute(
        "UPDATE library_sessions SET expires_at = $3 WHERE application_id = $1 AND id = $2 AND expires_at < $3",
        application_id,
        session_id,
        expires_at,
    )


async def drop_syncs(tx: Tx, application_id: UUID, session_id: UUID) -> None:
    """Let the session wait for nothing."""
    await tx.execute(
        "DELETE FROM session_syncs WHERE application_id = $1 AND session_id = $2", application_id, session_id
    )


async def add_syncs(tx: Tx, application_id: UUID, user_id: UUID, session_id: UUID, sync_ids: Sequence[UUID]) -> None:
    """Let the session wait for these."""
    await tx.execute(
        """
        INSERT INTO session_syncs (session_id, sync_id, application_id, user_id)
        SELECT $3, sync_id, $1, $2 FROM unnest($4::uuid[]) AS sync_id
        """,
        application_id,
        user_id,
        session_id,
        list(sync_ids),
    )


async def join(tx: Tx, application_id: UUID, user_id: UUID, session_id: UUID, provider_ids: Collection[int]) -> bool:
    """Let the session wait for the active sync of every connection of the user to these providers; False, and nothing
    is done, where one has none, where there is no connection, and for a user who is suspended.
    """
    return bool(
        await tx.execute(
            """
            INSERT INTO session_syncs (session_id, sync_id, application_id, user_id)
            SELECT $3, sync_id, $1, $2 FROM (
                SELECT syncs.id AS sync_id FROM connections JOIN syncs ON syncs.connection_id = connections.id
                WHERE connections.application_id = $1 AND connections.user_id = $2
                AND connections.provider_id = ANY($4) AND syncs.status IN ('pending', 'running', 'waiting')
                AND NOT EXISTS (SELECT FROM users WHERE application_id = $1 AND id = $2 AND suspended_at IS NOT NULL)
                AND NOT EXISTS (
                    SELECT FROM connections AS idle
                    WHERE idle.application_id = $1 AND idle.user_id = $2 AND idle.provider_id = ANY($4)
                    AND NOT EXISTS (SELECT FROM syncs WHERE connection_id = idle.id
                                    AND status IN ('pending', 'running', 'waiting'))
                )
                ORDER BY connections.id FOR KEY SHARE OF connections
            ) AS active
            """,
            application_id,
            user_id,
            session_id,
            list(provider_ids),
        )
    )


async def sources(tx: Tx, application_id: UUID, session_id: UUID) -> list[Source]:
    """What the session waits for, oldest connection first."""
    rows = await tx.fetch(
        """
        SELECT connections.number AS connection_number, syncs.provider_id, status, ended_at,
               coalesce(error_code, (SELECT value FROM jsonb_each_text(result -> 'failed_channels') LIMIT 1)) AS error,
               coalesce(result -> 'failed_channels', '{}') <> '{}' AS is_partial
        FROM session_syncs JOIN syncs ON syncs.id = sync_id JOIN connections ON connections.id = syncs.connection_id
        WHERE session_syncs.application_id = $1 AND session_id = $2 ORDER BY connections.number
        """,
        application_id,
        session_id,
    )
    return many(Source, rows)


async def delete_over(tx: Tx, before: datetime, limit: int) -> int:
    """Delete up to `limit` sessions that were over at a moment, leaving out those that somebody else deletes; how many
    went.
    """
    return await tx.execute(
        """
        -- every application: housekeeping
        DELETE FROM library_sessions WHERE id IN (
            SELECT id FROM library_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        before,
        limit,
    )
