"""Token pairs of contracts: opaque tokens, of which only hashes are kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from afflux.domain.applications import Facade, Registration
from afflux.store.database import Tx
from afflux.store.rows import maybe


@dataclass(frozen=True, slots=True)
class LibraryGrant:
    """What an access token stands for."""

    id: UUID
    registration_id: UUID
    user_id: UUID
    family: UUID
    access_expires_at: datetime
    #: Since when a younger pair is in use.
    spent_at: datetime | None
    revoked_at: datetime | None
    #: The token is the pair's refresh token.
    is_refresh: bool


async def insert(
    tx: Tx,
    registration: Registration,
    user_id: UUID,
    grant_id: UUID,
    family: UUID,
    parent_id: UUID | None,
    access: tuple[bytes, datetime],
    refresh: tuple[bytes, datetime],
) -> None:
    """Add a pair: hash and end of each token."""
    await tx.execute(
        """
        INSERT INTO grants (id, application_id, user_id, registration_id, facade, family, parent_id, access_hash,
                            access_expires_at, refresh_hash, refresh_expires_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        grant_id,
        registration.application.id,
        user_id,
        registration.id,
        Facade.DIGIME,
        family,
        parent_id,
        *access,
        *refresh,
        tx.now,
    )


async def by_token(tx: Tx, application_id: UUID, token_hash: bytes) -> LibraryGrant | None:
    """The pair that one of its tokens belongs to, over or not."""
    row = await tx.row(
        """
        SELECT id, registration_id, user_id, family, access_expires_at, spent_at, revoked_at,
               refresh_hash = $3 AS is_refresh
        FROM grants WHERE application_id = $1 AND facade = $2 AND (access_hash = $3 OR refresh_hash = $3)
        """,
        application_id,
        Facade.DIGIME,
        token_hash,
    )
    return maybe(LibraryGrant, row)


async def newest_family(tx: Tx, registration: Registration, user_id: UUID) -> UUID | None:
    """Of the consent that the user gave to the contract last: of its code, or of its pairs where that is forgotten."""
    family: UUID | None = await tx.value(
        """
        SELECT family FROM (
            SELECT family, false AS is_pair, expires_at AS moment FROM authorization_codes
            WHERE application_id = $1 AND registration_id = $2 AND user_id = $3
            UNION ALL
            SELECT family, true, created_at FROM grants
            WHERE application_id = $1 AND registration_id = $2 AND user_id = $3
        ) AS given ORDER BY is_pair, moment DESC LIMIT 1
        """,
        registration.application.id,
        registration.id,
        user_id,
    )
    return family


async def drop_over(tx: Tx, registration: Registration, user_id: UUID, memory: timedelta) -> None:
    """Forget the user's pairs under a contract that are good for nothing: spent ones that could not be refreshed any
    more anyway, and those that nobody used for so long.
    """
    await tx.execute(
        """
        DELETE FROM grants WHERE application_id = $1 AND user_id = $2 AND registration_id = $3
        AND (refresh_expires_at < $5 OR spent_at IS NOT NULL AND refresh_expires_at < $4)
        """,
        registration.application.id,
        user_id,
        registration.id,
        tx.now,
        tx.now - memory,
    )
