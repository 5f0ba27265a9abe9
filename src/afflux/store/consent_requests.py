"""People on their way to a bank's own page. Whoever knows a state may come back with it, once; its hash is kept."""

from datetime import datetime
from uuid import UUID

from afflux.domain.connections import ConsentRequest
from afflux.store.database import Tx
from afflux.store.rows import maybe, one

_COLUMNS = "connection_id, channel_id, application_id, user_id, redirect_url"


async def put(tx: Tx, request: ConsentRequest, state_hash: bytes, expires_at: datetime) -> None:
    """Keep a request; an earlier one of the channel is void from now on."""
    await tx.execute(
        """
        INSERT INTO consent_requests (connection_id, channel_id, application_id, user_id, redirect_url, state_hash,
                                      expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (connection_id, channel_id) DO UPDATE SET redirect_url = $5, state_hash = $6, expires_at = $7
        """,
        request.connection_id,
        request.channel_id,
        request.application_id,
        request.user_id,
        request.redirect_url,
        state_hash,
        expires_at,
    )


async def by_state(tx: Tx, state_hash: bytes) -> ConsentRequest:
    """The request that is still open under this state. Raises `NotFound`."""
    row = await tx.row(
        f"""
        -- every application: the state is known to its holder only
        SELECT {_COLUMNS} FROM consent_requests WHERE state_hash = $1 AND expires_at > $2
        """,
        state_hash,
        tx.now,
    )
    return one(ConsentRequest, row, "consent request")


async def take(tx: Tx, application_id: UUID, state_hash: bytes) -> ConsentRequest | None:
    """Use a request up; None when somebody was quicker, or it is over."""
    row = await tx.row(
        f"""
        DELETE FROM consent_requests WHERE application_id = $1 AND state_hash = $2 AND expires_at > $3
        RETURNING {_COLUMNS}
        """,
        application_id,
        state_hash,
        tx.now,
    )
    return maybe(ConsentRequest, row)
