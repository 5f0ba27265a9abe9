"""kill -9 of each part of a real server while syncs run: every sync ends as if nothing had happened."""

import asyncio
import sys
import time
from subprocess import PIPE

import httpx
import psutil

from afflux.config import Settings
from afflux.domain.syncs import SyncStatus
from afflux.runtime import Runtime
from afflux.services import syncs
from afflux.store import queue
from afflux.store.database import Tx
from afflux.supervisor import next_pause
from tests.faults.history import check_history
from tests.faults.people import (
    LOGINS,
    SANDBOX,
    Link,
    answering,
    ended,
    linked_all,
    patiently,
    reached,
    requested,
    running,
)
from tests.faults.server import Server, alive, until

#: Enough to be in the middle of everything.
SOME = LOGINS[::3]


async def test_every_sync_survives_two_kills_of_its_worker(server: Server, desk: Runtime) -> None:
    links = await linked_all(desk, "worker")
    asked = await asyncio.gather(*(requested(desk, link) for link in links))
    async with answering(desk, links):
        for _ in range(2):
            await running(desk, asked, 3)
            worker = server.part("worker")
            await server.kill(worker)
            await server.reborn("worker", worker)
        await ended(desk, asked)
    over = await check_history(desk, links, asked)
    assert sum(sync.losses for sync in over) >= 3
    assert all(sync.losses <= 2 for sync in over)


async def test_a_killed_workers_sync_runs_again_as_soon_as_its_heartbeat_is_missed(
    server: Server, desk: Runtime
) -> None:
    links = await linked_all(desk, "again", [(SANDBOX, "zed+slow-60")])
    sync = await requested(desk, links[0])
    first = await reached(desk, sync, SyncStatus.RUNNING)
    killed = time.monotonic()
    await server.kill(server.part("worker"))
    async with asyncio.timeout(server.heartbeat + 20):
        while (now := await reached(desk, sync, SyncStatus.RUNNING)).attempt == first.attempt:
            await asyncio.sleep(0.05)
    assert now.losses == 1
    assert time.monotonic() - killed < server.heartbeat + 20
    await patiently(desk, lambda tx: syncs.cancel(tx, links[0].tenant.principal, links[0].connection))


def test_with_the_default_settings_that_is_within_45_seconds() -> None:
    slowest_restart = next_pause(next_pause(5, lived=1), lived=1) + 5
    assert Settings().heartbeat_seconds + queue.LOOK.total_seconds() + slowest_restart <= 45


async def test_the_api_comes_back_and_nobody_else_notices(server: Server, desk: Runtime) -> None:
    links = await linked_all(desk, "api", SOME)
    asked = await asyncio.gather(*(requested(desk, link) for link in links))
    others = [server.part("worker"), server.part("postgres")]
    async with answering(desk, links):
        await running(desk, asked, 2)
        api = server.part("api")
        await server.kill(api)
        await server.reborn("api", api)
        await ended(desk, asked)
    assert [server.part("worker"), server.part("postgres")] == others
    await until_answers(server)
    over = await check_history(desk, links, asked)
    assert all(sync.losses == 0 for sync in over)


async def until_answers(server: Server) -> None:
    """Return once the API says that it is ready."""
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{server.port}/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def test_when_the_supervisor_is_killed_all_ends_and_a_new_server_goes_on(server: Server, desk: Runtime) -> None:
    links = await linked_all(desk, "supervisor", SOME)
    asked = await asyncio.gather(*(requested(desk, link) for link in links))
    async with answering(desk, links):
        await running(desk, asked, 3)
        orphans = server.everything()[1:]
        assert len(orphans) >= 3
        await server.kill()
        await until(lambda: not any(map(alive, orphans)) and not server.leftovers())
        server.start()
        await server.ready()
        await ended(desk, asked)
    over = await check_history(desk, links, asked)
    assert any(sync.losses == 1 for sync in over)


async def test_a_new_server_may_follow_a_killed_one_at_once(server: Server) -> None:
    await server.kill()
    server.start()
    await server.ready()


async def test_postgresql_comes_back_and_the_syncs_go_on(server: Server, desk: Runtime) -> None:
    links = await linked_all(desk, "postgres", SOME)
    asked = await asyncio.gather(*(requested(desk, link) for link in links))
    worker = server.part("worker")
    async with answering(desk, links):
        await running(desk, asked, 3)
        postgres = server.part("postgres")
        await server.kill(postgres)
        await server.reborn("postgres", postgres)
        await ended(desk, asked)
    assert server.part("worker") == worker
    over = await check_history(desk, links, asked)
    # The worker lived and handed back what it had. Where the answer to a commit was lost with the connection, it cannot
    # know that its run had begun: that one counts as lost, once.
    assert all(sync.losses <= 1 for sync in over)
    assert any(sync.losses == 0 for sync in over)


async def test_one_killed_session_makes_postgresql_recover_and_the_syncs_go_on(server: Server, desk: Runtime) -> None:
    links = await linked_all(desk, "session", SOME)
    asked = await asyncio.gather(*(requested(desk, link) for link in links))
    async with answering(desk, links):
        await running(desk, asked, 3)
        await server.kill(session(server.part("postgres")))
        await ended(desk, asked)
    await check_history(desk, links, asked)


def session(postmaster: psutil.Process) -> psutil.Process:
    """A process of PostgreSQL that serves one of us."""
    return next(child for child in postmaster.children() if child.cmdline()[0].startswith("postgres: afflux"))


async def test_a_command_says_in_one_line_that_the_database_went_away(server: Server, desk: Runtime) -> None:
    (link,) = await linked_all(desk, "command", [(SANDBOX, "eve+slow-30")])
    command = [sys.executable, "-m", "afflux", "sync", "command", "--user", "0@command.example", "--json"]
    process = await asyncio.create_subprocess_exec(
        *command, "--data", str(server.data), env=server.variables, stdout=PIPE, stderr=PIPE
    )
    async with answering(desk, [link]):
        await following(desk, link)
        await server.kill(server.part("postgres"))
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out) == (1, b"")
    assert err == b"afflux: the database does not answer, or went away meanwhile; try again\n"
    await patiently(desk, lambda tx: syncs.cancel(tx, link.tenant.principal, link.connection))


async def following(runtime: Runtime, link: Link) -> None:
    """Return once the command has asked for its sync."""

    async def look(tx: Tx) -> int:
        return int(await tx.value("SELECT count(*) FROM syncs WHERE connection_id = $1", link.connection.id))

    async with asyncio.timeout(90):
        while not await patiently(runtime, look):
            await asyncio.sleep(0.05)
