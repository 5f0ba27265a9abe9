"""Users with connections at the sandbox banks, and somebody who answers what the banks ask."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from afflux.domain.challenges import Answer, ChallengeKind
from afflux.domain.connections import Connection
from afflux.domain.errors import Conflict, NotFound
from afflux.domain.syncs import ACTIVE, Sync, SyncKind, SyncStatus
from afflux.domain.users import User
from afflux.runtime import Runtime
from afflux.services import challenges, connections, syncs, users
from afflux.store import syncs as sync_store
from afflux.store.database import AWAY, Tx
from tests.conftest import Tenant, make_tenant

T = TypeVar("T")

TEST_BANK, SANDBOX, PORTAL = 999, 1000, 1006

#: Logins of the sandbox that reach many states and end by themselves or with an answer.
LOGINS: tuple[tuple[int, str], ...] = (
    (TEST_BANK, "123456789"),
    (PORTAL, "hector@example.org"),
    (SANDBOX, "ada"),
    (SANDBOX, "ada+sms"),
    (SANDBOX, "bo+choice-sms"),
    (SANDBOX, "cy+app"),
    (SANDBOX, "di+confirm+sms"),
    (SANDBOX, "ed+display+documents-4"),
    (SANDBOX, "fay+forgiving+captcha"),
    (SANDBOX, "gus+accounts-30"),
    (SANDBOX, "hal+history-5000"),
    (SANDBOX, "ida+accounts-3+history-1500+sms"),
    (SANDBOX, "jo+twins+foreign+pending-all"),
    (SANDBOX, "kit+no-keys+repeated"),
    (SANDBOX, "lou+unstable-keys+twins"),
    (SANDBOX, "max+positional-keys"),
    (SANDBOX, "ned+documents-6"),
    (SANDBOX, "ora+outage"),
    (SANDBOX, "pat+half-history"),
    (SANDBOX, "quin+rate-limit-2"),
    (SANDBOX, "ray+wrong-password"),
    (SANDBOX, "sam+locked+sms"),
    (SANDBOX, "tom+slow-1"),
    (SANDBOX, "uma+slow-1+accounts-25"),
    (SANDBOX, "vic+no-end"),
)

ANSWERS = {"sms": "1234", "code": "1234", "captcha": "1234", "choice": "sms", "confirm": "yes"}


@dataclass(frozen=True)
class Link:
    """A connection and what was typed for it."""

    tenant: Tenant
    connection: Connection
    provider: int
    login: str


async def patiently(runtime: Runtime, work: Callable[[Tx], Awaitable[T]], seconds: float = 60) -> T:
    """Do it in a transaction, again while the database is away."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                async with runtime.database.transaction() as tx:
                    return await work(tx)
            except AWAY:
                await asyncio.sleep(0.1)


async def linked(runtime: Runtime, tenant: Tenant, provider: int, login: str, password: str = "123456") -> Link:
    """A connection that was never synchronised."""
    typed = {provider * 100: {"login": login, "password": password}}
    async with runtime.database.transaction() as tx:
        made = await connections.create(
            tx, runtime.vault, runtime.registry, tenant.principal, tenant.user, provider, typed
        )
    return Link(tenant, made, provider, login)


async def another_user(runtime: Runtime, tenant: Tenant, email: str) -> Tenant:
    """One more user of the same application."""
    user: User = await users.register(runtime.database, runtime.vault, tenant.principal, email=email)
    return Tenant(tenant.application, tenant.principal, user)


async def linked_all(
    runtime: Runtime, name: str, logins: Sequence[tuple[int, str]] = LOGINS, per_user: int = 5
) -> list[Link]:
    """An application whose users have these connections between them."""
    tenant = await make_tenant(runtime, name, f"0@{name}.example")
    links = []
    for index, (provider, login) in enumerate(logins):
        if index and index % per_user == 0:
            tenant = await another_user(runtime, tenant, f"{index}@{name}.example")
        links.append(await linked(runtime, tenant, provider, login))
    return links


async def requested(runtime: Runtime, link: Link, kind: SyncKind = SyncKind.ALL) -> Sync:
    """Ask for a sync of the connection, its user being there."""

    async def ask(tx: Tx) -> Sync:
        return await syncs.request(tx, link.tenant.principal, link.connection, kind, interactive=True)

    return await patiently(runtime, ask)


async def seen(runtime: Runtime, sync: Sync) -> Sync:
    """The sync as it is now."""

    async def look(tx: Tx) -> Sync:
        return await sync_store.by_id(tx, sync.application_id, sync.id)

    return await patiently(runtime, look)


async def reached(runtime: Runtime, sync: Sync, *statuses: SyncStatus, seconds: float = 90) -> Sync:
    """The sync, once it is in one of these states."""
    async with asyncio.timeout(seconds):
        while (now := await seen(runtime, sync)).status not in statuses:
            await asyncio.sleep(0.02)
    return now


async def ended(runtime: Runtime, asked: Sequence[Sync], seconds: float = 150) -> list[Sync]:
    """The syncs, once all have ended. On a timeout, says which have not."""
    try:
        async with asyncio.timeout(seconds):
            while await patiently(runtime, lambda tx: in_status(tx, asked, ACTIVE)):
                await asyncio.sleep(0.05)
    except TimeoutError:
        stuck = [sync for sync in [await seen(runtime, each) for each in asked] if sync.status.active]
        lines = [f"{s.id} {s.status} attempt {s.attempt} job {s.job_id} losses {s.losses} {s.phase}" for s in stuck]
        raise AssertionError("not ended: " + "; ".join(lines)) from None
    return [await seen(runtime, sync) for sync in asked]


async def in_status(tx: Tx, asked: Sequence[Sync], statuses: Iterable[SyncStatus]) -> int:
    """How many of the syncs are in one of these states."""
    ids = [sync.id for sync in asked]
    return int(
        await tx.value("SELECT count(*) FROM syncs WHERE id = ANY($1) AND status = ANY($2)", ids, list(statuses))
    )


async def running(runtime: Runtime, asked: Sequence[Sync], count: int, seconds: float = 90) -> None:
    """Return once so many of the syncs are running at the same time."""
    async with asyncio.timeout(seconds):
        while await patiently(runtime, lambda tx: in_status(tx, asked, [SyncStatus.RUNNING])) < count:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def answering(runtime: Runtime, links: Sequence[Link]) -> AsyncIterator[None]:
    """Somebody who answers every question of these connections, as soon as it is asked."""
    task = asyncio.create_task(_answer_all(runtime, links))
    try:
        yield
    finally:
        failed = task.done()
        task.cancel()
        await asyncio.wait([task])
        if failed:
            task.result()


async def _answer_all(runtime: Runtime, links: Sequence[Link]) -> None:
    while True:
        waiting = await patiently(runtime, lambda tx: waiting_among(tx, links))
        for link in links:
            if link.connection.id in waiting:
                await answer(runtime, link)
        await asyncio.sleep(0.05)


async def waiting_among(tx: Tx, links: Sequence[Link]) -> set[UUID]:
    """The connections that somebody is to answer for."""
    rows = await tx.fetch(
        "SELECT connection_id FROM syncs WHERE connection_id = ANY($1) AND status = 'waiting'",
        [link.connection.id for link in links],
    )
    return {row["connection_id"] for row in rows}


async def answer(runtime: Runtime, link: Link) -> bool:
    """Answer the open question of the connection, if there is one."""

    async def give(tx: Tx) -> bool:
        application = link.tenant.application.id
        latest = await sync_store.latest(tx, application, [link.connection.id])
        if not latest or latest[0].status is not SyncStatus.WAITING:
            return False
        challenge = challenges.open_challenge(latest[0])
        if challenge.kind is ChallengeKind.DECOUPLED:
            return False
        names = [field.name for field in challenge.fields] or [challenge.kind.value]
        given = Answer(values={name: ANSWERS[name] for name in names})
        await challenges.answer(tx, runtime.vault, link.tenant.principal, link.connection, given)
        return True

    try:
        return await patiently(runtime, give)
    except (Conflict, NotFound):
        return False
