"""The RSA keys that sign access tokens, sealed."""

from dataclasses import dataclass, field
from datetime import datetime

from afflux.store.database import Tx
from afflux.store.rows import many

#: Any number will do, as long as every Afflux uses the same.
_LOCK = 0x0AFF_1CE6


@dataclass(frozen=True, slots=True)
class HeldKey:
    """One key."""

    #: The `kid` of the tokens it signs.
    id: str
    #: PKCS #8, sealed by the root key.
    private_key: bytes = field(repr=False)
    created_at: datetime
    #: Signs nothing new from then on; still verifies.
    retired_at: datetime | None


async def lock(tx: Tx) -> None:
    """Be the only one who makes or retires keys until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def held(tx: Tx) -> list[HeldKey]:
    """All keys, newest first."""
    rows = await tx.fetch(
        """
        SELECT id, private_key, created_at, retired_at FROM signing_keys
        ORDER BY retired_at IS NOT NULL, created_at DESC
        """
    )
    return many(HeldKey, rows)


async def insert(tx: Tx, key_id: str, private_key: bytes) -> None:
    """Add a key, in use from now on."""
    await tx.execute(
        "INSERT INTO signing_keys (id, private_key, created_at) VALUES ($1, $2, $3)", key_id, private_key, tx.now
    )


async def retire(tx: Tx, at: datetime) -> None:
    """Let all keys that are in use sign nothing new from a moment on."""
    await tx.execute("UPDATE signing_keys SET retired_at = $1 WHERE retired_at IS NULL", at)


async def delete_retired(tx: Tx, before: datetime) -> None:
    """Forget keys that were retired before a moment: what they signed is trusted no longer."""
    await tx.execute("DELETE FROM signing_keys WHERE retired_at < $1", before)
