"""The main job: a sync, run by a real worker on a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from afflux.domain.challenges import Answer
from afflux.domain.connections import Connection
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.runtime import Runtime
from afflux.services import connections, syncs
from afflux.store import accounts, documents, transactions
from afflux.store import events as event_store
from afflux.store import syncs as sync_store
from afflux.worker import Worker
from tests.conftest import Tenant


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


async def link(runtime: Runtime, tenant: Tenant, provider: int, channel: int, login: str, password: str) -> Connection:
    """A connection without a sync."""
    async with runtime.database.transaction() as tx:
        return await connections.create(
            tx, runtime.vault, runtime.registry, tenant.principal, tenant.user, provider,
            {channel: {"login": login, "password": password}},
        )  # fmt: skip


async def request(
    runtime: Runtime, tenant: Tenant, connection: Connection, kind: SyncKind = SyncKind.ALL, interactive: bool = True
) -> Sync:
    """Ask for a sync."""
    async with runtime.database.transaction() as tx:
        return await syncs.request(tx, tenant.principal, connection, kind, interactive=interactive)


async def until(runtime: Runtime, sync: Sync, *statuses: SyncStatus, seconds: float = 20) -> Sync:
    """The sync, once it is in one of these states."""
    async with asyncio.timeout(seconds):
        while True:
            async with runtime.database.transaction() as tx:
                now = await sync_store.by_id(tx, sync.application_id, sync.id)
            if now.status in statuses:
                return now
            await asyncio.sleep(0.02)


async def test_a_sync_stops_for_a_code_goes_on_and_ends(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, 999, 99900, "123456789", "123456")
    async with working(runtime):
        sync = await request(runtime, alice, connection)
        waiting = await until(runtime, sync, SyncStatus.WAITING, SyncStatus.FAILED)
        assert waiting.challenge is not None and waiting.challenge["name"] == "sms"
        async with runtime.database.transaction() as tx:
            await syncs.answer(tx, runtime.vault, alice.principal, connection, Answer(values={"sms": "1234"}))
        ended = await until(runtime, sync, SyncStatus.FINISHED, SyncStatus.FAILED)
        assert ended.error_code is None
        async with runtime.database.transaction() as tx:
            held = await accounts.of_user(tx, alice.application.id, alice.user.id)
            rows = [
                row
                for account in held
                for row in await transactions.of_account(tx, alice.application.id, alice.user.id, account.id)
            ]
            log = await event_store.after(tx.connection, alice.application.id, 0, 1000)
        assert len(held) == 2 and held[1].parent_id == held[0].id
        assert len(rows) == 6
        again = await request(runtime, alice, connection)
        done = await until(runtime, again, SyncStatus.FINISHED, SyncStatus.FAILED, SyncStatus.WAITING)
        assert done.status is SyncStatus.FINISHED
        assert done.result["transactions"] == {"added": 0, "changed": 0, "removed": 0, "unchanged": 6}
        print(*[(e.position, e.type, e.data) for e in log], sep="\n")


async def test_documents_are_kept_once(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, 1006, 100600, "hector@example.org", "anything")
    async with working(runtime):
        sync = await request(runtime, alice, connection)
        ended = await until(runtime, sync, SyncStatus.FINISHED, SyncStatus.FAILED)
        assert ended.error_code is None
    async with runtime.database.transaction() as tx:
        held = await documents.of_user(tx, alice.application.id, alice.user.id)
    assert sorted(document.type for document in held) == ["document", "invoice"]
