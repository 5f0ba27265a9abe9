"""Applications and their registrations with the facades."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from afflux.domain.applications import Application, Facade, Registration
from afflux.store.database import Tx
from afflux.store.rows import maybe, one


async def insert(
    tx: Tx, application_id: UUID, name: str, psd2: bool, redirect_uris: Sequence[str]
) -> Application | None:
    """Add an application; None when the name is taken."""
    row = await tx.row(
        """
        INSERT INTO applications (id, name, psd2, redirect_uris, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (name) DO NOTHING RETURNING id, name, psd2, redirect_uris, created_at
        """,
        application_id,
        name,
        psd2,
        list(redirect_uris),
        tx.now,
    )
    return maybe(Application, row)


async def by_name(tx: Tx, name: str) -> Application:
    """The application called `name`. Raises `NotFound`."""
    row = await tx.row("SELECT id, name, psd2, redirect_uris, created_at FROM applications WHERE name = $1", name)
    return one(Application, row, f"application {name!r}")


async def by_id(tx: Tx, application_id: UUID) -> Application:
    """One application. Raises `NotFound`."""
    row = await tx.row(
        "SELECT id, name, psd2, redirect_uris, created_at FROM applications WHERE id = $1", application_id
    )
    return one(Application, row, "application")


async def register(
    tx: Tx,
    registration_id: UUID,
    application_id: UUID,
    facade: Facade,
    public_id: str,
    *,
    secret_sealed: bytes | None = None,
    secret_hash: bytes | None = None,
    public_key: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> bool:
    """Make the application known to a facade; False when `public_id` is taken there."""
    return bool(
        await tx.execute(
            """
            INSERT INTO registrations (id, application_id, facade, public_id, secret_sealed, secret_hash, public_key,
                                       settings, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (facade, public_id) DO NOTHING
            """,
            registration_id,
            application_id,
            facade,
            public_id,
            secret_sealed,
            secret_hash,
            public_key,
            dict(settings or {}),
            tx.now,
        )
    )


async def set_settings(tx: Tx, registration: Registration, settings: Mapping[str, Any]) -> None:
    """Other settings for a registration."""
    await tx.execute(
        "UPDATE registrations SET settings = $3 WHERE application_id = $1 AND id = $2",
        registration.application.id,
        registration.id,
        dict(settings),
    )


async def registration(tx: Tx, facade: Facade, public_id: str) -> Registration | None:
    """The application that a facade knows by this identifier, with its secret or key."""
    row = await tx.row(
        """
        -- every application: this is how one is found
        SELECT registrations.id, facade, public_id, secret_sealed, secret_hash, public_key, settings,
               applications.id AS application_id, name, psd2, redirect_uris, applications.created_at
        FROM registrations JOIN applications ON applications.id = registrations.application_id
        WHERE facade = $1 AND public_id = $2
        """,
        facade,
        public_id,
    )
    return None if row is None else _registration(dict(row))


async def registration_ending(tx: Tx, facade: Facade, ending: str) -> Registration | None:
    """The oldest registration with a facade whose identifier there ends so."""
    row = await tx.row(
        """
        -- every application: this is how one is found
        SELECT registrations.id, facade, public_id, secret_sealed, secret_hash, public_key, settings,
               applications.id AS application_id, name, psd2, redirect_uris, applications.created_at
        FROM registrations JOIN applications ON applications.id = registrations.application_id
        WHERE facade = $1 AND right(public_id, length($2)) = $2 ORDER BY registrations.created_at LIMIT 1
        """,
        facade,
        ending,
    )
    return None if row is None else _registration(dict(row))


def _registration(row: dict[str, Any]) -> Registration:
    application = Application(
        row.pop("application_id"),
        row.pop("name"),
        row.pop("psd2"),
        tuple(row.pop("redirect_uris")),
        row.pop("created_at"),
    )
    return Registration(application=application, **row | {"facade": Facade(row["facade"])})
