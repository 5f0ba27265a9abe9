"""The facade on a fresh database, and the contracts that call it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import pytest_asyncio

from afflux.domain.contracts import ContractKind
from afflux.facades.digime import api as digime
from afflux.runtime import Runtime
from afflux.services import contracts
from afflux.services.keyring import Keyring
from afflux.store import applications
from afflux.web.mounts import Mounts
from afflux.widget.consent import api as consent
from tests.conftest import Tenant
from tests.facades.digime.calling import BACK, Consumer, letters, spare_key


@pytest_asyncio.fixture
async def http(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """The whole server's HTTP, without a socket."""
    async with over(runtime) as client:
        yield client


def over(runtime: Runtime) -> httpx.AsyncClient:
    """The same for any runtime."""
    keyring = Keyring(runtime.database, runtime.vault)
    app = Mounts({"v1.6": digime.create(runtime, keyring)}, consent.create(runtime))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


async def make_consumer(
    runtime: Runtime,
    http: httpx.AsyncClient,
    tenant: Tenant,
    kind: ContractKind = ContractKind.READ,
    scope: Mapping[str, Any] | None = None,
    key: int = 0,
    redirect_uris: Sequence[str] = (BACK,),
) -> Consumer:
    """A new contract of the tenant's application."""
    pair = spare_key(key)
    async with runtime.database.transaction() as tx:
        application = await applications.by_name(tx, tenant.application.name)
        client_id = await contracts.register(
            tx, application, letters(), letters(), kind, pair.as_pem(private=False), redirect_uris, scope
        )
    return Consumer(http, client_id, pair)


@pytest_asyncio.fixture
async def reader(runtime: Runtime, http: httpx.AsyncClient, alice: Tenant) -> Consumer:
    """A read contract of the application `shop`."""
    return await make_consumer(runtime, http, alice)


@pytest_asyncio.fixture
async def stranger(runtime: Runtime, http: httpx.AsyncClient, bob: Tenant) -> Consumer:
    """A read contract of another application, with another key."""
    return await make_consumer(runtime, http, bob, key=1)
