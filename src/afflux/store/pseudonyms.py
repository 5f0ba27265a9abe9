"""By which ids applications know their users, as keyed hashes that outlive the users."""

from uuid import UUID

from afflux.store.database import Tx


async def insert(tx: Tx, application_id: UUID, digest: bytes, user_id: UUID) -> None:
    """Remember by which id the application knows a new user."""
    await tx.execute(
        "INSERT INTO pseudonyms (application_id, digest, user_id) VALUES ($1, $2, $3)", application_id, digest, user_id
    )


async def delete_unused(tx: Tx) -> int:
    """Forget the ids of users who are gone and of whom no record is kept; how many went."""
    return await tx.execute(
        """
        -- every application: housekeeping
        DELETE FROM pseudonyms WHERE NOT EXISTS (SELECT FROM users WHERE id = pseudonyms.user_id)
            AND NOT EXISTS (SELECT FROM operations WHERE application_id = pseudonyms.application_id
                                                         AND user_id = pseudonyms.user_id)
        """
    )
