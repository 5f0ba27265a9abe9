"""Who and what the benchmarks need: a user, connections to sandbox banks, syncs and their ends."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from afflux.domain.connections import Connection
from afflux.domain.principal import Principal, Role
from afflux.domain.syncs import Sync, SyncKind
from afflux.domain.users import User
from afflux.runtime import Runtime
from afflux.services import applications, connections, syncs, users
from afflux.store import syncs as sync_store
from afflux.store.database import Tx

#: The sandbox bank that does what the login says, its channel and its password.
PROVIDER, CHANNEL, PASSWORD = 1000, 100000, "123456"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An application and one of its users."""

    principal: Principal
    user: User


async def make_tenant(runtime: Runtime) -> Tenant:
    """A new application with one user."""
    name = f"bench-{uuid4().hex[:8]}"
    async with runtime.database.transaction() as tx:
        application, _ = await applications.create(tx, runtime.vault, name)
    principal = Principal(application.id, Role.OPERATOR)
    user = await users.register(runtime.database, runtime.vault, principal, email=f"{name}@example.org")
    return Tenant(principal, user)


async def connect(tx: Tx, runtime: Runtime, tenant: Tenant, login: str) -> Connection:
    """A connection to the sandbox bank, without a sync."""
    typed = {CHANNEL: {"login": login, "password": PASSWORD}}
    return await connections.create(tx, runtime.vault, runtime.registry, tenant.principal, tenant.user, PROVIDER, typed)


async def link(runtime: Runtime, tenant: Tenant, login: str) -> Connection:
    """The same in a transaction of its own."""
    async with runtime.database.transaction() as tx:
        return await connect(tx, runtime, tenant, login)


async def request(runtime: Runtime, tenant: Tenant, connection: Connection) -> Sync:
    """Ask for a sync of everything."""
    async with runtime.database.transaction() as tx:
        return await syncs.request(tx, tenant.principal, connection, SyncKind.ALL, interactive=True)


async def until(runtime: Runtime, sync: Sync, *statuses: str, attempt: int = 0, pause: float = 0.005) -> None:
    """Wait until the sync is in one of these states, in this attempt or a later one.

    Raises `RuntimeError` when it has failed.
    """
    while True:
        async with runtime.database.transaction() as tx:
            now = await sync_store.by_id(tx, sync.application_id, sync.id)
        if now.status in statuses and now.attempt >= attempt:
            return
        if now.status in ("failed", "cancelled"):
            raise RuntimeError(f"the sync {now.status}: {now.error_code}")
        await asyncio.sleep(pause)


async def statuses(runtime: Runtime, ids: Sequence[UUID]) -> dict[str, int]:
    """How many of these syncs are in each state."""
    rows = await runtime.database.pool.fetch(
        "SELECT status, count(*) FROM syncs WHERE id = ANY($1) GROUP BY status", list(ids)
    )
    return {status: count for status, count in rows}
