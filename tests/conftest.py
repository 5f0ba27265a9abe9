"""What every test can ask for: a real PostgreSQL, a fresh migrated database in it, and a small cast."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from joserfc.jwk import RSAKey

from afflux.config import Settings
from afflux.connectors.registry import Registry
from afflux.datafolder import open_data_folder
from afflux.domain.applications import Application
from afflux.domain.principal import Principal, Role
from afflux.domain.users import User
from afflux.postgres import EmbeddedPostgres
from afflux.runtime import Runtime, open_runtime
from afflux.services import applications, passwords, places, users
from afflux.store import catalogue, signing_keys
from afflux.store.migrate import migrate
from tests.databases import Databases

ROOT_KEY = bytes(range(32))
SIGNING_KEY = "the-tests-own"
DEAR_PASSWORDS = passwords._hasher, passwords._DUMMY


@cache
def signing_key() -> bytes:
    """The key that servers sign tokens with here: made once, because making one takes longer than most tests."""
    return RSAKey.generate_key(2048).as_pem(private=True)


@cache
def installed() -> Registry:
    """What is installed: looked up once, because that means to read about every package there is."""
    return Registry.discover()


def pytest_configure() -> None:
    """Let the bank answer at once, and passwords cost next to nothing."""
    os.environ["AFFLUX_SANDBOX_LATENCY"] = "0"
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._DUMMY = passwords._hasher.hash("nobody has this password")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that mostly wait for processes: at the end, they would be all that is left to one process."""
    items.sort(key=lambda item: "/faults/" not in str(item.path))


@pytest.fixture
def dear_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost what they do when it is in earnest."""
    hasher, dummy = DEAR_PASSWORDS
    monkeypatch.setattr(passwords, "_hasher", hasher)
    monkeypatch.setattr(passwords, "_DUMMY", dummy)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A PostgreSQL of this test process; the DSN of a migrated database that nobody writes to."""
    data = open_data_folder(tmp_path_factory.mktemp("cluster") / "data")
    with data.lock():
        postgres = EmbeddedPostgres(data)
        await postgres.start()
        await migrate(postgres.dsn)
        yield postgres.dsn
        await postgres.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def databases(cluster: str) -> AsyncIterator[Databases]:
    """The databases of this test process."""
    found = await Databases.of(cluster)
    yield found
    await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def dsn(databases: Databases) -> AsyncIterator[str]:
    """A migrated database with nothing in it."""
    dsn = await databases.take()
    yield dsn
    await databases.give_back(dsn)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Quick settings."""
    data = tmp_path / "data"
    data.mkdir(0o700)
    return Settings(data=data, heartbeat_seconds=2)


@pytest_asyncio.fixture
async def runtime(dsn: str, settings: Settings) -> AsyncIterator[Runtime]:
    """A process's long-lived things on a fresh database, with the catalogue of everything installed."""
    async with open_runtime(settings, dsn, ROOT_KEY, installed()) as opened:
        async with opened.database.transaction() as tx:
            await catalogue.publish(tx, opened.registry.manifests)
            sealed = opened.vault.root.seal(places.signing_key(SIGNING_KEY), signing_key())
            await signing_keys.insert(tx, SIGNING_KEY, sealed)
        yield opened


@dataclass(frozen=True)
class Tenant:
    """An application and one of its users."""

    application: Application
    principal: Principal
    user: User


async def make_tenant(runtime: Runtime, name: str, email: str) -> Tenant:
    """An application called `name` with one user."""
    async with runtime.database.transaction() as tx:
        application, _ = await applications.create(tx, runtime.vault, name, psd2=True)
    principal = Principal(application.id, Role.OPERATOR)
    user = await users.register(runtime.database, runtime.vault, principal, email=email)
    return Tenant(application, principal, user)


@pytest_asyncio.fixture
async def alice(runtime: Runtime) -> Tenant:
    """A user of the application `shop`."""
    return await make_tenant(runtime, "shop", "alice@example.org")


@pytest_asyncio.fixture
async def bob(runtime: Runtime) -> Tenant:
    """A user of another application."""
    return await make_tenant(runtime, "bank", "bob@example.org")
