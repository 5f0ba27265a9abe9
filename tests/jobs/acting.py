"""What the tests of the main job do: link, synchronise with a real worker, answer, and look at what is held."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from afflux.domain.accounts import Account, Document, Transaction
from afflux.domain.challenges import Answer
from afflux.domain.connections import Connection, ConnectionChannel
from afflux.domain.events import Event
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.runtime import Runtime
from afflux.services import challenges, connections, syncs
from afflux.store import accounts, catalogue, documents, transactions
from afflux.store import connections as connection_store
from afflux.store import events as event_store
from afflux.store import syncs as sync_store
from afflux.worker import Worker
from tests.conftest import Tenant

ENDED = (SyncStatus.FINISHED, SyncStatus.FAILED, SyncStatus.CANCELLED)
RESTING = (*ENDED, SyncStatus.WAITING)


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncIterator[None]:
    """A worker at work."""
    stop = asyncio.Event()
    task = asyncio.create_task(Worker(runtime).run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def link(
    runtime: Runtime, tenant: Tenant, login: str, *, provider: int = 1000, password: str = "123456"
) -> Connection:
    """A connection to a sandbox bank, without a sync. The login says what the bank does."""
    typed = {provider * 100: {"login": login, "password": password}}
    async with runtime.database.transaction() as tx:
        return await connections.create(
            tx, runtime.vault, runtime.registry, tenant.principal, tenant.user, provider, typed
        )


async def request(
    runtime: Runtime, tenant: Tenant, connection: Connection, kind: SyncKind = SyncKind.ALL, interactive: bool = True
) -> Sync:
    """Ask for a sync."""
    async with runtime.database.transaction() as tx:
        return await syncs.request(tx, tenant.principal, connection, kind, interactive=interactive)


async def current(runtime: Runtime, sync: Sync) -> Sync:
    """The sync as it stands now."""
    async with runtime.database.transaction() as tx:
        return await sync_store.by_id(tx, sync.application_id, sync.id)


async def until(runtime: Runtime, sync: Sync, *statuses: SyncStatus, seconds: float = 30) -> Sync:
    """The sync, once it is in one of these states."""
    async with asyncio.timeout(seconds):
        while (now := await current(runtime, sync)).status not in statuses:
            await asyncio.sleep(0.02)
    return now


async def synchronise(
    runtime: Runtime, tenant: Tenant, connection: Connection, *answers: Answer, interactive: bool = True
) -> Sync:
    """Ask for a sync and see it to its end, or to the first step without an answer."""
    sync = await request(runtime, tenant, connection, interactive=interactive)
    resting = await until(runtime, sync, *RESTING)
    for given in answers:
        await answer(runtime, tenant, connection, given)
        resting = await until(runtime, sync, *RESTING)
    return resting


async def answer(runtime: Runtime, tenant: Tenant, connection: Connection, given: Answer) -> Sync:
    """Answer the open step."""
    async with runtime.database.transaction() as tx:
        return await challenges.answer(tx, runtime.vault, tenant.principal, connection, given)


def typed(**values: str) -> Answer:
    """What a person types."""
    return Answer(values=values)


async def advance(runtime: Runtime, days: int) -> None:
    """Move the sandbox banks' clock on."""
    async with runtime.database.transaction() as tx:
        await catalogue.advance(tx, "sandbox", days)


async def accounts_of(runtime: Runtime, tenant: Tenant) -> list[Account]:
    """Every account of the user."""
    async with runtime.database.transaction() as tx:
        return await accounts.of_user(tx, tenant.application.id, tenant.user.id)


async def rows_of(runtime: Runtime, tenant: Tenant) -> list[Transaction]:
    """Every transaction of the user."""
    async with runtime.database.transaction() as tx:
        held = await accounts.of_user(tx, tenant.application.id, tenant.user.id)
        return [
            row
            for account in held
            for row in await transactions.of_account(tx, tenant.application.id, tenant.user.id, account.id)
        ]


async def documents_of(runtime: Runtime, tenant: Tenant) -> list[Document]:
    """Every document of the user."""
    async with runtime.database.transaction() as tx:
        return await documents.of_user(tx, tenant.application.id, tenant.user.id)


async def events_of(runtime: Runtime, tenant: Tenant, sync: Sync | None = None) -> list[Event]:
    """The application's log, or what it says of one sync."""
    async with runtime.database.transaction() as tx:
        log = await event_store.after(tx.connection, tenant.application.id, 0, 100_000)
    return [event for event in log if sync is None or event.sync_id == sync.id]


async def channel_of(runtime: Runtime, connection: Connection) -> ConnectionChannel:
    """The state of the connection's only channel."""
    async with runtime.database.transaction() as tx:
        (channel,) = await connection_store.channels(tx, connection.application_id, connection.id)
    return channel


async def syncs_of(runtime: Runtime, connection: Connection) -> list[Sync]:
    """Every sync of a connection, oldest first."""
    async with runtime.database.transaction() as tx:
        rows = await tx.fetch("SELECT id FROM syncs WHERE connection_id = $1 ORDER BY number", connection.id)
        return [await sync_store.by_id(tx, connection.application_id, row["id"]) for row in rows]


def named(rows: Iterable[Transaction], text: str) -> list[Transaction]:
    """The rows with this in their text."""
    return [row for row in rows if text in row.text]


def ids(rows: Iterable[Transaction]) -> set[UUID]:
    """Their ids."""
    return {row.id for row in rows}
