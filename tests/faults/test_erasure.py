"""An erasure that is killed wherever it stands ends complete; a restored backup is put right before it is served."""

import asyncio
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from afflux.domain.errors import AffluxError, NotFound
from afflux.domain.operations import OperationKind, OperationStatus
from afflux.domain.principal import Principal, Role
from afflux.domain.syncs import SyncStatus
from afflux.runtime import Runtime
from afflux.services import applications, erasure, users
from afflux.store import chain, ledger, operations
from tests.conftest import Tenant
from tests.faults.server import Server, beside
from tests.jobs.acting import link, request, synchronise, until, working
from tests.services.everything import everything

STEPS = ["request", "consents", "ledger", "documents", "transactions", "connections", "record"]


async def killed_at(runtime: Runtime, tenant: Tenant, step: str) -> None:
    """An eraser in a process of its own, dead after this step."""
    command = ("-m", "tests.faults.eraser", runtime.dsn, runtime.settings.data, tenant.application.id, tenant.user.id)
    process = await asyncio.create_subprocess_exec(sys.executable, *map(str, command), step)
    assert await process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("step", STEPS)
async def test_an_erasure_that_is_killed_ends_complete(runtime: Runtime, alice: Tenant, step: str) -> None:
    held, slow = await link(runtime, alice, "fast+accounts-1+documents-1"), await link(runtime, alice, "slow-30")
    async with working(runtime):
        await synchronise(runtime, alice, held)
        running = await request(runtime, alice, slow)
        await until(runtime, running, SyncStatus.RUNNING)
        await killed_at(runtime, alice, step)
        await asyncio.gather(again(runtime, alice), born(runtime, alice))
        async with asyncio.timeout(30):
            while (await everything(runtime.dsn)).cells["pgqueuer.id"]:
                await asyncio.sleep(0.05)
    cells = (await everything(runtime.dsn)).cells
    mine = str(alice.user.id).encode()
    where = {place for place, values in cells.items() if mine in values}
    assert where == {"operations.user_id"}
    await check_one_record(runtime, alice)


async def again(runtime: Runtime, tenant: Tenant) -> None:
    """A second delete: it joins the first, or comes too late."""
    with suppress(NotFound):
        assert (await erasure.erase(runtime, tenant.principal, tenant.user.id)).status is OperationStatus.SUCCESSFUL


async def born(runtime: Runtime, tenant: Tenant) -> None:
    """Somebody registers again while the erasure goes on; not before the address is free."""
    async with asyncio.timeout(30):
        while True:
            try:
                await users.register(runtime.database, runtime.vault, tenant.principal, email="alice@example.org")
                return
            except AffluxError:
                await asyncio.sleep(0.02)


async def check_one_record(runtime: Runtime, tenant: Tenant) -> None:
    async with runtime.database.transaction() as tx:
        acts = await operations.on_user(tx, tenant.application.id, tenant.user.id)
        assert (await chain.verify(tx.connection, tx.audit_key))[1] == []
    erasures = [each for each in acts if each.kind is OperationKind.ERASE]
    assert [each.status for each in erasures] == [OperationStatus.SUCCESSFUL]
    assert erasures[0].counts["transactions"] > 0
    assert {each.operation_id for each in ledger.entries(runtime.settings.ledger)} == {erasures[0].id}


async def test_a_restored_database_is_put_right_before_it_is_served(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    cluster, kept = server.data / "postgres", tmp_path / "backup"
    try:
        await start(server)
        async with beside(server) as runtime:
            async with runtime.database.transaction() as tx:
                application, _ = await applications.create(tx, runtime.vault, "shop")
            principal = Principal(application.id, Role.APPLICATION)
            gone = await users.register(runtime.database, runtime.vault, principal, email="gone@example.org")
            await users.register(runtime.database, runtime.vault, principal, email="here@example.org")
        await server.stop()
        subprocess.run(["cp", "-a", cluster, kept], check=True)  # Its owner included.
        await start(server)
        async with beside(server) as runtime:
            await erasure.erase(runtime, principal, gone.id)
        await server.stop()
        shutil.rmtree(cluster)
        kept.rename(cluster)
        await start(server)
        async with beside(server) as runtime, runtime.database.reading() as tx:
            assert [row["email"] for row in await tx.fetch("SELECT email FROM users")] == ["here@example.org"]
        await server.stop()
        (server.data / "erasures.jsonl").unlink()
        server.start()
        assert server.process is not None
        assert await asyncio.to_thread(server.process.wait, 60) != 0
        assert "is missing: put it back" in server.log.read_text()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{server.port}/health")
    finally:
        server.destroy()


async def start(server: Server) -> None:
    server.start()
    await server.ready()
