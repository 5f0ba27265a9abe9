"""Erasing a user: every row and blob, the data key, and a record that it happened.

`request` makes the erasure certain: from its commit on nobody finds the user, nothing of his runs, and a job stands by.
`carry_out` does the rest in a fixed order, each step a transaction of its own that may run twice: consents at
providers, the ledger outside the database, documents, all other rows, then the user's row with his data key together
with the record. Whoever asked carries it out at once; if he dies, the job takes over.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

from afflux.delivery import outbox
from afflux.domain.errors import AffluxError, NotFound
from afflux.domain.events import EventType, NewEvent
from afflux.domain.jobs import EraseUser
from afflux.domain.operations import NewOperation, Operation, OperationKind, OperationStatus, Outcome
from afflux.domain.principal import Principal, Role
from afflux.runtime import Runtime
from afflux.services import revocation, syncs
from afflux.services.users import check_principal
from afflux.store import erasure as store
from afflux.store import ledger, operations, queue, users
from afflux.store.database import AWAY, Tx

log = logging.getLogger(__name__)

#: For how long whoever asked has the erasure to himself.
_HEAD_START = timedelta(seconds=10)
#: Tokens that speak for a user.
_TOKENS = ("grants", "authorization_codes", "connect_sessions")
#: What goes before all other rows.
_DOCUMENTS = ("documents", "blobs", "uploads")
#: Rows deleted in one transaction.
_BATCH = 10_000
#: Seconds for tidying up the tables afterwards; PostgreSQL does by itself what we do not get to.
_TIDY = 5.0


async def preview(tx: Tx, application_id: UUID, user_id: UUID) -> dict[str, int]:
    """Rows by table that an erasure would delete. Raises `NotFound` for an unknown user."""
    await users.by_id(tx, application_id, user_id)
    return await store.count(tx, application_id, user_id)


async def erase(
    runtime: Runtime, principal: Principal, user_id: UUID, *, reason: str | None = None, reason_code: str | None = None
) -> Operation:
    """Erase the user for good; nothing of him is left when this returns.

    Raises `NotFound` for an unknown user, and `AffluxError` when the ledger cannot be written: then the user stays.
    """
    async with runtime.database.transaction() as tx:
        operation = await request(tx, principal, user_id, reason=reason, reason_code=reason_code, after=_HEAD_START)
    ended = await finish(runtime, operation)
    if ended.status is OperationStatus.FAILED:
        raise AffluxError(f"the user was not erased: {ended.error}")
    return ended


async def request(
    tx: Tx,
    principal: Principal,
    user_id: UUID,
    *,
    reason: str | None = None,
    reason_code: str | None = None,
    after: timedelta = timedelta(0),
) -> Operation:
    """Let a worker erase the user `after` a while; the pending operation, or the one that is pending already.

    Comes last in its transaction: it locks the user, cancels his syncs, and locks the chain of operations. Raises
    `NotFound` for an unknown user.
    """
    check_principal(principal, user_id)
    application_id = principal.application_id
    await users.lock(tx, application_id, user_id)
    known = await operations.pending(tx, application_id, user_id)
    if known is not None:
        return known
    new = NewOperation(
        application_id, user_id, OperationKind.ERASE, principal.role, reason, reason_code,
        OperationStatus.PENDING, await store.count(tx, application_id, user_id),
    )  # fmt: skip
    await _shut(tx, application_id, user_id)
    await queue.enqueue(tx, EraseUser(application_id, user_id, new.id), after=after)
    tx.act(new)
    await tx.flush()
    return await operations.by_id(tx, application_id, new.id)


async def _shut(tx: Tx, application_id: UUID, user_id: UUID) -> None:
    """Grants go, syncs running and queued end, new work is refused."""
    for table in _TOKENS:
        await store.delete_some(tx, table, application_id, user_id, _BATCH)
    await syncs.cancel_all(tx, await users.leaving(tx, application_id, user_id))
    await queue.drop_of_user(tx, application_id, user_id)
    await users.set_leaving(tx, application_id, user_id, leaving=True)


async def finish(runtime: Runtime, operation: Operation) -> Operation:
    """Carry the erasure out to its end; the operation as it is then."""
    async for _ in carry_out(runtime, operation):
        pass
    async with runtime.database.reading() as tx:
        return await operations.by_id(tx, operation.application_id, operation.id)


async def carry_out(runtime: Runtime, operation: Operation) -> AsyncIterator[str]:
    """Go on with the erasure from wherever it stands. Yields the name of each step that is done.

    Two of these at once do no harm: each step locks the user, and the last one ends what only one can end.
    """
    application_id, user_id = operation.application_id, operation.user_id
    try:
        async with runtime.database.reading() as tx:
            user = await users.leaving(tx, application_id, user_id)
            certain = await store.is_in_ledger(tx, application_id, user_id)
            tables = await store.tables(tx)
        if not certain:
            await revocation.withdraw_all(runtime, user)
            yield "consents"
            if not await _write_down(runtime, operation):
                return
            yield "ledger"
        outbox.remove(runtime.settings.data, _letters(runtime, user_id))
        for table in sorted(tables, key=lambda table: table not in _DOCUMENTS):
            await _empty(runtime, operation, table)
            yield table
        await _end(runtime, operation)
        yield "record"
    except NotFound:
        return
    await _tidy(runtime, [table for table in tables if table in operation.counts])


def _letters(runtime: Runtime, user_id: UUID) -> list[str]:
    return [letter for letter in outbox.letters(runtime.settings.data) if letter.startswith(f"{user_id}.")]


async def _lock(tx: Tx, operation: Operation) -> None:
    """Be the only one who goes on with the erasure. Raises `NotFound` when it has ended."""
    await users.lock(tx, operation.application_id, operation.user_id)
    pending = await operations.pending(tx, operation.application_id, operation.user_id)
    if pending is None or pending.id != operation.id:
        raise NotFound("operation not found")


async def _write_down(runtime: Runtime, operation: Operation) -> bool:
    """Put the erasure into the ledger; from here on there is no way back. False when that failed, and so it all."""
    application_id, user_id = operation.application_id, operation.user_id
    async with runtime.database.transaction() as tx:
        await _lock(tx, operation)
        if await store.is_in_ledger(tx, application_id, user_id):
            return True
        entry = ledger.Entry(application_id, user_id, operation.id, tx.now)
        try:
            await asyncio.to_thread(ledger.append, runtime.settings.ledger, entry)
        except OSError as error:
            log.error("the ledger of erasures cannot be written: %s", error.strerror)
            await _fail(tx, operation)
            return False
        await store.set_in_ledger(tx, application_id, user_id)
    return True


async def _fail(tx: Tx, operation: Operation) -> None:
    """The user stays as he is, but for the grants, the syncs and the consents that are gone."""
    await users.set_leaving(tx, operation.application_id, operation.user_id, leaving=False)
    await _close(tx, operation, OperationStatus.FAILED, "LEDGER_UNAVAILABLE", "The ledger of erasures is not writable")


async def _close(tx: Tx, operation: Operation, status: OperationStatus, *error: str) -> None:
    await queue.drop_erasure(tx, EraseUser(operation.application_id, operation.user_id, operation.id))
    tx.act(Outcome(operation.application_id, operation.id, status, *error))


async def _empty(runtime: Runtime, operation: Operation, table: str) -> None:
    """Delete the user's rows in a table, some at a time. Raises `NotFound` when another one has ended it all."""
    count = _BATCH
    while count == _BATCH:
        async with runtime.database.transaction() as tx:
            await _lock(tx, operation)
            count = await store.delete_some(tx, table, operation.application_id, operation.user_id, _BATCH)


async def _end(runtime: Runtime, operation: Operation) -> None:
    """The user's row with his data key goes, whatever was born meanwhile with it, and the record is made."""
    application_id, user_id = operation.application_id, operation.user_id
    async with runtime.database.transaction() as tx:
        await _lock(tx, operation)
        await _close(tx, operation, OperationStatus.SUCCESSFUL)
        await users.delete(tx, application_id, user_id)
        tx.record(NewEvent(application_id, EventType.USER_ERASED, None, {"user_id": user_id}))


async def _tidy(runtime: Runtime, tables: list[str]) -> None:
    try:
        async with asyncio.timeout(_TIDY):
            await store.vacuum(runtime.database, ["users", *tables])
    except (TimeoutError, *AWAY):
        log.info("the tables of an erased user are left for PostgreSQL to tidy up")


async def apply_ledger(runtime: Runtime) -> int:
    """Erase again whoever came back with a restored backup; how many that were.

    Raises `AffluxError` when users were erased and there is no ledger that says who.
    """
    if not runtime.settings.ledger.exists():
        async with runtime.database.reading() as tx:
            if await operations.any_erasure(tx):
                raise AffluxError(f"the ledger of erasures {runtime.settings.ledger} is missing: put it back")
        return 0
    by_application: dict[UUID, set[UUID]] = {}
    for entry in ledger.entries(runtime.settings.ledger):
        by_application.setdefault(entry.application_id, set()).add(entry.user_id)
    back = [each for pair in by_application.items() for each in await _returned(runtime, *pair)]
    for application_id, user_id in back:
        await erase(runtime, Principal(application_id, Role.SYSTEM), user_id, reason="in the ledger of erasures")
    return len(back)


async def _returned(runtime: Runtime, application_id: UUID, user_ids: set[UUID]) -> list[tuple[UUID, UUID]]:
    async with runtime.database.reading() as tx:
        return [(application_id, id) for id in await users.existing(tx, application_id, list(user_ids))]


async def rescue(runtime: Runtime) -> None:
    """Give every pending erasure without a job a new one: the net under everything else."""
    async with runtime.database.transaction() as tx:
        for lost in await operations.orphans(tx):
            log.warning("erasure %s has no job and gets one", lost.id)
            await queue.enqueue(tx, EraseUser(lost.application_id, lost.user_id, lost.id))
