"""Users."""

from uuid import UUID

import asyncpg

from afflux.domain.errors import Conflict, NotFound
from afflux.domain.users import User
from afflux.store.database import Tx
from afflux.store.rows import many, maybe, one

_COLUMNS = """id, number, application_id, external_id, email, password_hash, data_key, profile, suspended_at,
              created_at"""


async def insert(
    tx: Tx,
    user_id: UUID,
    application_id: UUID,
    *,
    email: str | None,
    password_hash: str | None,
    external_id: str | None,
    data_key: bytes,
) -> User | None:
    """Add a user; None when the e-mail or the external id is taken in this application."""
    row = await tx.row(
        f"""
        INSERT INTO users (id, application_id, external_id, email, password_hash, data_key, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
        """,
        user_id,
        application_id,
        external_id,
        email,
        password_hash,
        data_key,
        tx.now,
    )
    return maybe(User, row)


async def by_id(tx: Tx, application_id: UUID, user_id: UUID) -> User:
    """One user. Raises `NotFound`."""
    row = await tx.row(f"SELECT {_COLUMNS} FROM users WHERE application_id = $1 AND id = $2", application_id, user_id)
    return one(User, row, "user")


async def by_email(tx: Tx, application_id: UUID, email: str) -> User | None:
    """The user with this login e-mail, compared without regard to case."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM users WHERE application_id = $1 AND lower(email) = lower($2)", application_id, email
    )
    return maybe(User, row)


async def count(tx: Tx, application_id: UUID) -> int:
    """How many users the application has."""
    return int(await tx.value("SELECT count(*) FROM users WHERE application_id = $1", application_id))


async def page(tx: Tx, application_id: UUID, first: int, limit: int) -> list[User]:
    """`limit` of the application's users from index `first`, oldest first."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM users WHERE application_id = $1 AND id IN (
            SELECT id FROM users WHERE application_id = $1 ORDER BY created_at, id OFFSET $2 LIMIT $3
        ) ORDER BY created_at, id
        """,
        application_id,
        first,
        limit,
    )
    return many(User, rows)


async def set_email(tx: Tx, application_id: UUID, user_id: UUID, email: str) -> User:
    """Another login. Raises `NotFound`, and `Conflict` for one that is taken."""
    try:
        row = await tx.row(
            f"UPDATE users SET email = $3 WHERE application_id = $1 AND id = $2 RETURNING {_COLUMNS}",
            application_id,
            user_id,
            email,
        )
    except asyncpg.UniqueViolationError:
        raise Conflict("another user has this e-mail address") from None
    return one(User, row, "user")


async def set_password(tx: Tx, application_id: UUID, user_id: UUID, password_hash: str) -> User:
    """Another password. Raises `NotFound`."""
    row = await tx.row(
        f"UPDATE users SET password_hash = $3 WHERE application_id = $1 AND id = $2 RETURNING {_COLUMNS}",
        application_id,
        user_id,
        password_hash,
    )
    return one(User, row, "user")


async def lock(tx: Tx, application_id: UUID, user_id: UUID) -> None:
    """Be the only one who does anything for the user until the transaction ends. Raises `NotFound`."""
    locked = await tx.value(
        "SELECT true FROM users WHERE application_id = $1 AND id = $2 FOR UPDATE", application_id, user_id
    )
    if not locked:
        raise NotFound("user not found")


async def share(tx: Tx, application_id: UUID, user_id: UUID) -> bool:
    """Keep the user from being erased until the transaction ends; False when there is no such user (any more)."""
    return bool(
        await tx.value(
            "SELECT true FROM users WHERE application_id = $1 AND id = $2 FOR KEY SHARE", application_id, user_id
        )
    )


async def delete(tx: Tx, application_id: UUID, user_id: UUID) -> int:
    """Delete a user's row, and by cascade every row that hangs on it; the number of users deleted."""
    return await tx.execute("DELETE FROM users WHERE application_id = $1 AND id = $2", application_id, user_id)
