"""Nonces of request tokens: each is good once for its contract."""

from datetime import datetime

from afflux.domain.applications import Registration
from afflux.store.database import Tx


async def use(tx: Tx, registration: Registration, nonce: str, expires_at: datetime) -> bool:
    """Take the nonce; False when it was taken before, by whichever process."""
    return bool(
        await tx.execute(
            """
            INSERT INTO nonces (registration_id, nonce, application_id, expires_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (registration_id, nonce) DO NOTHING
            """,
            registration.id,
            nonce,
            registration.application.id,
            expires_at,
        )
    )


async def release(tx: Tx, registration: Registration, nonce: str) -> None:
    """Let the nonce be used again: what came with it was not done, and it was not the client's fault."""
    await tx.execute(
        "DELETE FROM nonces WHERE application_id = $1 AND registration_id = $2 AND nonce = $3",
        registration.application.id,
        registration.id,
        nonce,
    )


async def delete_over(tx: Tx, limit: int) -> int:
    """Forget up to `limit` nonces whose tokens are too old by now, leaving out those that somebody else forgets; how
    many went.
    """
    return await tx.execute(
        """
        -- every application: housekeeping
        DELETE FROM nonces WHERE (registration_id, nonce) IN (
            SELECT registration_id, nonce FROM nonces WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        tx.now,
        limit,
    )
