"""Acts on users on record: read as dialects show them, audited, and kept for a year."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from afflux.domain.operations import NewOperation, Operation, OperationKind
from afflux.domain.principal import Principal
from afflux.store import chain, pseudonyms
from afflux.store import operations as store
from afflux.store.database import Database, Tx
from afflux.store.vault import Vault

#: Days for which a record stays in its chain.
KEPT = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Known:
    """Whom an application means by an id, whether there is such a user, was one, or never was."""

    application_id: UUID
    digest: bytes
    #: The id, where it could be the one we gave.
    user_id: UUID | None


def known_as(vault: Vault, application_id: UUID, id: str) -> Known:
    """Whom the application means: the user it gave this id, or the one whose id of ours it is."""
    return Known(application_id, vault.pseudonym(application_id, id), id_of_ours(id))


def id_of_ours(text: str) -> UUID | None:
    """The id, if this is how we write one; an id has no second spelling."""
    try:
        id = UUID(text)
    except ValueError:
        return None
    return id if str(id) == text else None


async def history(
    tx: Tx, known: Known, kinds: Sequence[OperationKind], first: int, limit: int
) -> tuple[list[Operation], int]:
    """`limit` of the operations of these kinds in the last three calendar months, newest first, from index `first`;
    and how many there are in all.
    """
    total = await store.count_shown(tx, known.application_id, known.digest, known.user_id, kinds)
    found = await store.shown(tx, known.application_id, known.digest, known.user_id, kinds, first, limit)
    return found, total


async def one(tx: Tx, known: Known, kinds: Sequence[OperationKind], operation_id: UUID) -> Operation:
    """One of those that `history` gives. Raises `NotFound`."""
    return await store.shown_by_id(tx, known.application_id, known.digest, known.user_id, kinds, operation_id)


def act(principal: Principal, user_id: UUID, kind: OperationKind, reason: str | None = None) -> NewOperation:
    """An act that the principal does to the user."""
    return NewOperation(principal.application_id, user_id, kind, principal.role, reason)


async def clear(database: Database) -> None:
    """Let go of the records that are over a year old, and of the ids by which nobody is found any more."""
    async with database.transaction() as tx:
        applications = await chain.with_old(tx.connection, tx.now - KEPT)
    for application_id in applications:
        async with database.transaction() as tx:
            await chain.cut(tx.connection, tx.audit_key, application_id, tx.now - KEPT)
    async with database.transaction() as tx:
        await pseudonyms.delete_unused(tx)
