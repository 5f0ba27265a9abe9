"""Token pairs and authorization codes; only hashes are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afflux.domain.applications import Facade, Registration
from afflux.domain.users import User
from afflux.store.database import Tx
from afflux.store.rows import maybe

_GRANT_COLUMNS = "id, application_id, user_id, family, parent_id, scope, refresh_expires_at, spent_at, revoked_at"
_CODE_COLUMNS = "application_id, user_id, family, redirect_uri, scope, challenge, expires_at, used_at"


@dataclass(frozen=True, slots=True)
class Grant:
    """A token pair given to somebody."""

    id: UUID
    application_id: UUID
    user_id: UUID
    #: Shared by all pairs that came from the same sign-in.
    family: UUID
    #: The pair whose refresh token this one was got for.
    parent_id: UUID | None
    scope: tuple[str, ...]
    refresh_expires_at: datetime
    #: Since when the refresh token is not to be used any more: a younger one is in use.
    spent_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Code:
    """A code to be exchanged for a token pair, once."""

    application_id: UUID
    user_id: UUID
    #: Of the token pairs it is exchanged for.
    family: UUID
    redirect_uri: str
    scope: tuple[str, ...]
    #: PKCE, S256; none where the application did without.
    challenge: str | None
    expires_at: datetime
    used_at: datetime | None


async def insert(
    tx: Tx,
    registration: Registration,
    user_id: UUID,
    grant_id: UUID,
    family: UUID,
    parent_id: UUID | None,
    scope: Sequence[str],
    refresh_hash: bytes,
    refresh_expires_at: datetime,
) -> None:
    """Add a token pair."""
    await tx.execute(
        """
        INSERT INTO grants (id, application_id, user_id, registration_id, facade, family, parent_id, scope,
                            refresh_hash, refresh_expires_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        grant_id,
        registration.application.id,
        user_id,
        registration.id,
        registration.facade,
        family,
        parent_id,
        list(scope),
        refresh_hash,
        refresh_expires_at,
        tx.now,
    )


async def by_refresh_token(tx: Tx, registration: Registration, refresh_hash: bytes) -> Grant | None:
    """The pair that a refresh token belongs to, whatever has become of it."""
    row = await tx.row(
        f"""
        SELECT {_GRANT_COLUMNS} FROM grants
        WHERE application_id = $1 AND registration_id = $2 AND refresh_hash = $3 AND user_id IS NOT NULL
        """,
        registration.application.id,
        registration.id,
        refresh_hash,
    )
    return maybe(Grant, row)


async def lock(tx: Tx, registration: Registration, refresh_hash: bytes) -> Grant | None:
    """The same, kept from changing until the transaction ends."""
    row = await tx.row(
        f"""
        SELECT {_GRANT_COLUMNS} FROM grants
        WHERE application_id = $1 AND registration_id = $2 AND refresh_hash = $3 AND user_id IS NOT NULL FOR UPDATE
        """,
        registration.application.id,
        registration.id,
        refresh_hash,
    )
    return maybe(Grant, row)


async def holder(tx: Tx, facade: Facade, client_id: str, grant_id: UUID, user_number: int) -> User | None:
    """The user that a token pair speaks for; None once it is revoked or the user is gone."""
    row = await tx.row(
        """
        -- every application: the token says whose it is
        SELECT users.id, users.number, users.application_id, external_id, email, password_hash, data_key, profile,
               suspended_at, users.created_at
        FROM grants
        JOIN users ON users.id = grants.user_id
        JOIN registrations ON registrations.id = grants.registration_id
        WHERE grants.id = $1 AND grants.revoked_at IS NULL AND users.number = $2 AND users.leaving_at IS NULL
        AND registrations.facade = $3 AND registrations.public_id = $4
        """,
        grant_id,
        user_number,
        facade,
        client_id,
    )
    return maybe(User, row)


async def spend(tx: Tx, application_id: UUID, parent_id: UUID, used_id: UUID) -> None:
    """A younger refresh token is in use: its parent and what else was got for that are good no longer."""
    await tx.execute(
        """
        UPDATE grants SET spent_at = $4
        WHERE application_id = $1 AND (id = $2 OR parent_id = $2) AND id <> $3 AND spent_at IS NULL
        """,
        application_id,
        parent_id,
        used_id,
        tx.now,
    )


async def revoke_family(tx: Tx, application_id: UUID, family: UUID) -> None:
    """Take back every token pair that came from one sign-in."""
    await tx.execute(
        "UPDATE grants SET revoked_at = $3 WHERE application_id = $1 AND family = $2 AND revoked_at IS NULL",
        application_id,
        family,
        tx.now,
    )


async def drop_over(tx: Tx, registration: Registration, user_id: UUID) -> None:
    """Forget the user's pairs with an application's registration that could not even be refreshed any more."""
    await tx.execute(
        """
        DELETE FROM grants
        WHERE application_id = $1 AND registration_id = $2 AND user_id = $3 AND refresh_expires_at < $4
        """,
        registration.application.id,
        registration.id,
        user_id,
        tx.now,
    )


async def insert_code(
    tx: Tx,
    registration: Registration,
    user_id: UUID,
    code_hash: bytes,
    family: UUID,
    redirect_uri: str,
    scope: Sequence[str],
    challenge: str | None,
    expires_at: datetime,
) -> None:
    """Add an authorization code."""
    await tx.execute(
        """
        INSERT INTO authorization_codes (code_hash, application_id, user_id, registration_id, family, redirect_uri,
                                         scope, challenge, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        code_hash,
        registration.application.id,
        user_id,
        registration.id,
        family,
        redirect_uri,
        list(scope),
        challenge,
        expires_at,
    )


async def code(tx: Tx, registration: Registration, code_hash: bytes) -> Code | None:
    """What a code stands for, used or not."""
    row = await tx.row(
        f"""
        SELECT {_CODE_COLUMNS} FROM authorization_codes
        WHERE application_id = $1 AND registration_id = $2 AND code_hash = $3
        """,
        registration.application.id,
        registration.id,
        code_hash,
    )
    return maybe(Code, row)


async def use_code(tx: Tx, application_id: UUID, code_hash: bytes) -> bool:
    """Take the code, once: False when it was taken before."""
    return bool(
        await tx.execute(
            """
            UPDATE authorization_codes SET used_at = $3
            WHERE application_id = $1 AND code_hash = $2 AND used_at IS NULL
            """,
            application_id,
            code_hash,
            tx.now,
        )
    )


async def drop_codes(tx: Tx, application_id: UUID, user_id: UUID, before: datetime) -> None:
    """Forget the user's codes that expired before a moment."""
    await tx.execute(
        "DELETE FROM authorization_codes WHERE application_id = $1 AND user_id = $2 AND expires_at < $3",
        application_id,
        user_id,
        before,
    )
