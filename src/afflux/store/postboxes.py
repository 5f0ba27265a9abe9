"""Postboxes: where contracts push files for a library, and what waits in them."""

from dataclasses import dataclass, field
from uuid import UUID

from afflux.domain.applications import Registration
from afflux.store.database import Tx
from afflux.store.rows import maybe


@dataclass(frozen=True, slots=True)
class Postbox:
    """One contract's postbox for one user."""

    id: UUID
    application_id: UUID
    registration_id: UUID
    user_id: UUID
    #: By which the contract knows it.
    public_id: str
    #: PEM, PKCS #1.
    public_key: str
    #: PKCS #8, sealed by the user's key.
    private_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Item:
    """A pushed file that is not a document yet; all but its name is sealed."""

    id: UUID
    registration_id: UUID
    name: str
    descriptor: bytes
    content: bytes = field(repr=False)


async def of_user(tx: Tx, registration: Registration, user_id: UUID) -> Postbox | None:
    """The contract's postbox for a user."""
    row = await tx.row(
        """
        SELECT id, application_id, registration_id, user_id, public_id, public_key, private_key FROM postboxes
        WHERE application_id = $1 AND registration_id = $2 AND user_id = $3
        """,
        registration.application.id,
        registration.id,
        user_id,
    )
    return maybe(Postbox, row)


async def by_public_id(tx: Tx, registration: Registration, public_id: str) -> Postbox | None:
    """The contract's postbox with this id."""
    row = await tx.row(
        """
        SELECT id, application_id, registration_id, user_id, public_id, public_key, private_key FROM postboxes
        WHERE application_id = $1 AND registration_id = $2 AND public_id = $3
        """,
        registration.application.id,
        registration.id,
        public_id,
    )
    return maybe(Postbox, row)


async def insert(tx: Tx, postbox: Postbox) -> None:
    """Add a postbox, unless its user has one of this contract."""
    await tx.execute(
        """
        INSERT INTO postboxes (id, application_id, registration_id, user_id, public_id, public_key, private_key,
                               created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (registration_id, user_id) DO NOTHING
        """,
        postbox.id,
        postbox.application_id,
        postbox.registration_id,
        postbox.user_id,
        postbox.public_id,
        postbox.public_key,
        postbox.private_key,
        tx.now,
    )


async def insert_item(tx: Tx, postbox: Postbox, item: Item) -> None:
    """Let a pushed file wait."""
    await tx.execute(
        """
        INSERT INTO postbox_items (id, postbox_id, application_id, user_id, name, descriptor, content, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        item.id,
        postbox.id,
        postbox.application_id,
        postbox.user_id,
        item.name,
        item.descriptor,
        item.content,
        tx.now,
    )


async def take_item(tx: Tx, application_id: UUID, user_id: UUID) -> Item | None:
    """Take the file out that has waited longest; None when nothing waits."""
    row = await tx.row(
        """
        DELETE FROM postbox_items AS item USING postboxes
        WHERE postboxes.id = item.postbox_id AND item.application_id = $1 AND item.id = (
            SELECT id FROM postbox_items WHERE application_id = $1 AND user_id = $2 ORDER BY number LIMIT 1
        )
        RETURNING item.id, registration_id, name, descriptor, content
        """,
        application_id,
        user_id,
    )
    return maybe(Item, row)


async def waits(tx: Tx, application_id: UUID, user_id: UUID) -> bool:
    """Whether anything waits for the user."""
    found = await tx.value(
        "SELECT true FROM postbox_items WHERE application_id = $1 AND user_id = $2 LIMIT 1", application_id, user_id
    )
    return found is not None


async def describe(
    tx: Tx, application_id: UUID, user_id: UUID, document_id: UUID, registration_id: UUID, descriptor: bytes
) -> None:
    """Keep what was said of a document that was pushed."""
    await tx.execute(
        """
        INSERT INTO pushed_documents (document_id, application_id, user_id, registration_id, descriptor)
        VALUES ($1, $2, $3, $4, $5)
        """,
        document_id,
        application_id,
        user_id,
        registration_id,
        descriptor,
    )


async def count_items(tx: Tx, application_id: UUID, postbox_id: UUID) -> int:
    """How many files wait in a postbox."""
    return int(
        await tx.value(
            "SELECT count(*) FROM postbox_items WHERE application_id = $1 AND postbox_id = $2",
            application_id,
            postbox_id,
        )
    )
