"""Which root key the database is sealed with."""

from afflux.store.database import Tx


async def is_ours(tx: Tx, key_id: str) -> bool:
    """Whether the database is sealed with this key; an empty database takes it from now on."""
    held = await tx.fetch("SELECT key_id FROM root_keys")
    if not held:
        await _insert(tx, key_id)
    return not held or key_id in {row["key_id"] for row in held}


async def _insert(tx: Tx, key_id: str) -> None:
    await tx.execute("INSERT INTO root_keys (key_id, created_at) VALUES ($1, $2)", key_id, tx.now)
