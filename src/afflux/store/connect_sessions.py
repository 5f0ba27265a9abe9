"""Visits to the connect page. Whoever knows a session's token may open its page; only the token's hash is kept."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from afflux.domain.applications import Facade
from afflux.domain.connect_sessions import ConnectSession, Wish
from afflux.domain.errors import NotFound
from afflux.store.database import Tx


async def insert(
    tx: Tx,
    session_id: UUID,
    application_id: UUID,
    user_id: UUID,
    facade: Facade,
    token_hash: bytes,
    wish: Wish,
    expires_at: datetime,
) -> None:
    """Add a session."""
    await tx.execute(
        """
        INSERT INTO connect_sessions (id, application_id, user_id, facade, token_hash, action, state, created_at,
                                      expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        session_id,
        application_id,
        user_id,
        facade,
        token_hash,
        wish.action,
        msgspec.to_builtins(wish),
        tx.now,
        expires_at,
    )


async def by_token(tx: Tx, token_hash: bytes) -> ConnectSession:
    """The session that is still open under this token. Raises `NotFound`."""
    row = await tx.row(
        """
        -- every application: whoever has the token may see what it opens
        SELECT held.id, application_id, applications.name AS application, user_id, facade, state, held.created_at,
               opened_at, expires_at
        FROM connect_sessions AS held JOIN applications ON applications.id = application_id
        WHERE token_hash = $1 AND expires_at > $2
        """,
        token_hash,
        tx.now,
    )
    if row is None:
        raise NotFound("session not found")
    return _session(row)


def _session(row: asyncpg.Record) -> ConnectSession:
    values = dict(row)
    wish = msgspec.convert(values.pop("state"), Wish)
    return ConnectSession(wish=wish, **values | {"facade": Facade(values["facade"])})


async def set_opened(tx: Tx, application_id: UUID, session_id: UUID) -> None:
    """Note the first visit."""
    await tx.execute(
        """
        UPDATE connect_sessions SET opened_at = $3
        WHERE application_id = $1 AND id = $2 AND opened_at IS NULL
        """,
        application_id,
        session_id,
        tx.now,
    )


async def delete(tx: Tx, application_id: UUID, user_id: UUID, token_hash: bytes) -> int:
    """Close a session that is still open; the number of sessions closed."""
    return await tx.execute(
        """
        DELETE FROM connect_sessions
        WHERE application_id = $1 AND user_id = $2 AND token_hash = $3 AND expires_at > $4
        """,
        application_id,
        user_id,
        token_hash,
        tx.now,
    )


async def delete_expired(tx: Tx, limit: int) -> int:
    """Delete up to `limit` sessions that are over, leaving out those that somebody else deletes; how many went."""
    return await tx.execute(
        """
        -- every application: housekeeping
        DELETE FROM connect_sessions WHERE id IN (
            SELECT id FROM connect_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        tx.now,
        limit,
    )
