"""E-mail addresses that users are to prove, or have proven: one at most for each user."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from afflux.store.database import Tx
from afflux.store.rows import maybe

_COLUMNS = "address, token, token_expires_at, tries, job_id"


@dataclass(frozen=True, slots=True)
class HeldValidation:
    """How far a user is with proving an address."""

    address: str
    #: What was mailed, sealed; None once the address is proven.
    token: bytes | None = field(repr=False)
    token_expires_at: datetime | None
    #: Wrong tokens that were given.
    tries: int
    #: The queue's number for the job that mails the token.
    job_id: int | None


async def of_user(tx: Tx, application_id: UUID, user_id: UUID) -> HeldValidation | None:
    """The user's validation, if one ever began."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM address_validations WHERE application_id = $1 AND user_id = $2",
        application_id,
        user_id,
    )
    return maybe(HeldValidation, row)


async def lock(tx: Tx, application_id: UUID, user_id: UUID) -> HeldValidation | None:
    """The same, kept from changing until the transaction ends."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM address_validations WHERE application_id = $1 AND user_id = $2 FOR UPDATE",
        application_id,
        user_id,
    )
    return maybe(HeldValidation, row)


async def to_mail(tx: Tx, application_id: UUID, user_id: UUID, job_id: int) -> HeldValidation | None:
    """What this job is to mail; None when it was mailed, or is not to be mailed any more."""
    row = await tx.row(
        f"""
        SELECT {_COLUMNS} FROM address_validations
        WHERE application_id = $1 AND user_id = $2 AND job_id = $3 AND mailed_at IS NULL AND token_expires_at > $4
        """,
        application_id,
        user_id,
        job_id,
        tx.now,
    )
    return maybe(HeldValidation, row)


async def good_letters(tx: Tx, user_ids: Sequence[UUID]) -> set[str]:
    """The ids of the letters to these users whose token can still be used."""
    rows = await tx.fetch(
        """
        -- every application: housekeeping
        SELECT user_id::text || '.' || job_id AS letter FROM address_validations
        WHERE user_id = ANY($1) AND token_expires_at > $2
        """,
        list(user_ids),
        tx.now,
    )
    return {row["letter"] for row in rows}


async def begin(
    tx: Tx, application_id: UUID, user_id: UUID, address: str, token: bytes, expires_at: datetime, job_id: int
) -> None:
    """Ask for a proof of this address, whatever was asked or proven before."""
    await tx.execute(
        """
        INSERT INTO address_validations AS held (user_id, application_id, address, token, token_expires_at, job_id)
        VALUES ($2, $1, $3, $4, $5, $6)
        ON CONFLICT (user_id) DO UPDATE SET address = $3, token = $4, token_expires_at = $5, job_id = $6, tries = 0,
                                            mailed_at = NULL, validated_at = NULL
        WHERE held.application_id = $1
        """,
        application_id,
        user_id,
        address,
        token,
        expires_at,
        job_id,
    )


async def mailed(tx: Tx, application_id: UUID, user_id: UUID, job_id: int) -> None:
    """This job's token is on its way."""
    await tx.execute(
        "UPDATE address_validations SET mailed_at = $4 WHERE application_id = $1 AND user_id = $2 AND job_id = $3",
        application_id,
        user_id,
        job_id,
        tx.now,
    )


async def mistaken(tx: Tx, application_id: UUID, user_id: UUID) -> None:
    """Count a wrong token."""
    await tx.execute(
        "UPDATE address_validations SET tries = tries + 1 WHERE application_id = $1 AND user_id = $2",
        application_id,
        user_id,
    )


async def proven(tx: Tx, application_id: UUID, user_id: UUID) -> None:
    """The address is the user's; its token is of no more use."""
    await tx.execute(
        """
        UPDATE address_validations SET token = NULL, token_expires_at = NULL, validated_at = $3
        WHERE application_id = $1 AND user_id = $2
        """,
        application_id,
        user_id,
        tx.now,
    )
