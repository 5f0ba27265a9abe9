"""Cards that an issuer registered for a user, sealed and never looked into."""

from collections.abc import Mapping
from uuid import UUID

from afflux.store.database import Tx


async def upsert(tx: Tx, application_id: UUID, user_id: UUID, sealed: Mapping[bytes, bytes]) -> None:
    """Keep cards by the keyed hashes of their ids, in place of those with the same ids."""
    await tx.execute(
        """
        INSERT INTO cards (application_id, user_id, digest, content)
        SELECT $1, $2, digest, content FROM unnest($3::bytea[], $4::bytea[]) AS new (digest, content)
        ON CONFLICT (user_id, digest) DO UPDATE SET content = excluded.content
        """,
        application_id,
        user_id,
        list(sealed),
        list(sealed.values()),
    )
