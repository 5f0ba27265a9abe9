"""Users. One who is being erased is found by nothing but what erases."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from afflux.domain.errors import Conflict, NotFound
from afflux.domain.users import User
from afflux.store.database import Tx
from afflux.store.rows import many, maybe, one

_COLUMNS = """id, number, application_id, external_id, email, password_hash, data_key, profile, suspended_at,
              created_at"""
#: Of a user who is not being erased.
_STAYS = "leaving_at IS NULL"


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
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM users WHERE application_id = $1 AND {_STAYS} AND id = $2", application_id, user_id
    )
    return one(User, row, "user")


async def by_number(tx: Tx, application_id: UUID, number: int) -> User:
    """One user, by the number that dialects with numeric ids know it by. Raises `NotFound`."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM users WHERE application_id = $1 AND {_STAYS} AND number = $2", application_id, number
    )
    return one(User, row, "user")


async def by_email(tx: Tx, application_id: UUID, email: str) -> User | None:
    """The user with this login e-mail, compared without regard to case."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM users WHERE application_id = $1 AND {_STAYS} AND lower(email) = lower($2)",
        application_id,
        email,
    )
    return maybe(User, row)


async def by_external_id(tx: Tx, application_id: UUID, external_id: str) -> User | None:
    """The user whom the application knows by this id of its own."""
    row = await tx.row(
        f"""
        SELECT {_COLUMNS} FROM users WHERE application_id = $1 AND {_STAYS} AND external_id = $2
        """,
        application_id,
        external_id,
    )
    return maybe(User, row)


async def by_own_id(tx: Tx, application_id: UUID, user_id: UUID) -> User | None:
    """The user with this id of ours, unless the application knows him by one of its own."""
    row = await tx.row(
        f"""
        SELECT {_COLUMNS} FROM users WHERE application_id = $1 AND {_STAYS} AND id = $2 AND external_id IS NULL
        """,
        application_id,
        user_id,
    )
    return maybe(User, row)


async def count(tx: Tx, application_id: UUID) -> int:
    """How many users the application has."""
    return int(await tx.value(f"SELECT count(*) FROM users WHERE application_id = $1 AND {_STAYS}", application_id))


async def page(tx: Tx, application_id: UUID, first: int, limit: int) -> list[User]:
    """`limit` of the application's users from index `first`, oldest first."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM users WHERE application_id = $1 AND {_STAYS} AND id IN (
            SELECT id FROM users WHERE application_id = $1 AND {_STAYS} ORDER BY created_at, id OFFSET $2 LIMIT $3
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
            f"UPDATE users SET email = $3 WHERE application_id = $1 AND {_STAYS} AND id = $2 RETURNING {_COLUMNS}",
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
        f"UPDATE users SET password_hash = $3 WHERE application_id = $1 AND {_STAYS} AND id = $2 RETURNING {_COLUMNS}",
        application_id,
        user_id,
        password_hash,
    )
    return one(User, row, "user")


async def change_profile(tx: Tx, application_id: UUID, user_id: UUID, changes: Mapping[str, object]) -> User:
    """Other values for these members of the profile; the others stay. Raises `NotFound`."""
    row = await tx.row(
        f"""
        UPDATE users SET profile = profile || $3 WHERE application_id = $1 AND {_STAYS} AND id = $2 RETURNING {_COLUMNS}
        """,
        application_id,
        user_id,
        dict(changes),
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
            f"SELECT true FROM users WHERE application_id = $1 AND {_STAYS} AND id = $2 FOR KEY SHARE",
            application_id,
            user_id,
        )
    )


async def take_turn(tx: Tx, application_id: UUID, user_id: UUID) -> bool:
    """Keep the user from being erased, and others from taking their turn, until the transaction ends; False when
    there is no such user (any more). Holds up nobody who only shares.
    """
    return bool(
        await tx.value(
            f"SELECT true FROM users WHERE application_id = $1 AND {_STAYS} AND id = $2 FOR NO KEY UPDATE",
            application_id,
            user_id,
        )
    )


async def set_suspended(tx: Tx, application_id: UUID, user_id: UUID, suspended: bool) -> bool:
    """Suspend or resume; False for a user who is gone, or as wanted already."""
    return bool(
        await tx.execute(
            f"""
            UPDATE users SET suspended_at = CASE WHEN $3 THEN $4::timestamptz END
            WHERE application_id = $1 AND {_STAYS} AND id = $2 AND (suspended_at IS NOT NULL) <> $3
            """,
            application_id,
            user_id,
            suspended,
            tx.now,
        )
    )


async def is_suspended(tx: Tx, application_id: UUID, user_id: UUID) -> bool:
    """Whether nothing is to be synchronised for the user."""
    return bool(
        await tx.value(
            "SELECT suspended_at IS NOT NULL FROM users WHERE application_id = $1 AND id = $2", application_id, user_id
        )
    )


async def set_leaving(tx: Tx, application_id: UUID, user_id: UUID, leaving: bool) -> None:
    """Hide the user from everybody who asks for him, or bring him back."""
    await tx.execute(
        "UPDATE users SET leaving_at = CASE WHEN $3 THEN $4::timestamptz END WHERE application_id = $1 AND id = $2",
        application_id,
        user_id,
        leaving,
        tx.now,
    )


async def leaving(tx: Tx, application_id: UUID, user_id: UUID) -> User:
    """One user, on the way out or not. Raises `NotFound`."""
    row = await tx.row(f"SELECT {_COLUMNS} FROM users WHERE application_id = $1 AND id = $2", application_id, user_id)
    return one(User, row, "user")


async def existing(tx: Tx, application_id: UUID, user_ids: Sequence[UUID]) -> list[UUID]:
    """Which of these users there are, on their way out or not."""
    rows = await tx.fetch(
        "SELECT id FROM users WHERE application_id = $1 AND id = ANY($2)", application_id, list(user_ids)
    )
    return [row["id"] for row in rows]


async def delete(tx: Tx, application_id: UUID, user_id: UUID) -> int:
    """Delete a user's row, and by cascade every row that hangs on it; the number of users deleted."""
    return await tx.execute("DELETE FROM users WHERE application_id = $1 AND id = $2", application_id, user_id)
