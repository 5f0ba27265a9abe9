"""Nobody reads or changes what belongs to somebody else: not another application, and not another user of the same."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from afflux.domain.connections import Connection
from afflux.domain.errors import Conflict, DecryptionFailed, InvalidInput, NotFound
from afflux.domain.principal import Principal
from afflux.domain.syncs import SyncKind
from afflux.domain.users import User
from afflux.runtime import Runtime
from afflux.services import challenges, connections, documents, erasure, syncs, uploads, users
from afflux.store import accounts, transactions
from afflux.store import connections as connection_store
from afflux.store import documents as document_store
from afflux.store import operations as operation_store
from afflux.store import syncs as sync_store
from afflux.store import uploads as upload_store
from afflux.store import users as user_store
from afflux.store.database import Tx
from tests.conftest import Tenant
from tests.jobs.acting import accounts_of, documents_of, link, request, synchronise, typed, working
from tests.services.everything import everything

TYPED = {100000: {"login": "fast", "password": "123456"}}


class Alice:
    """What there is of Alice, and who wants at it."""

    def __init__(self, runtime: Runtime, tenant: Tenant, stranger: Principal, linked: Connection) -> None:
        self.runtime, self.vault, self.registry = runtime, runtime.vault, runtime.registry
        self.user, self.connection, self.stranger = tenant.user, linked, stranger


Attempt = Callable[[Tx, Alice], Awaitable[object]]

#: Everything in `services` that takes a principal, tried by a stranger who got hold of Alice's ids.
ATTEMPTS: dict[str, Attempt] = {
    "connections.create": lambda tx, a: connections.create(tx, a.vault, a.registry, a.stranger, a.user, 1000, TYPED),
    "connections.change_credentials": lambda tx, a: connections.change_credentials(
        tx, a.vault, a.registry, a.stranger, a.user, a.connection, TYPED
    ),
    "connections.delete": lambda tx, a: connections.delete(tx, a.stranger, a.connection),
    "connections.add_channels": lambda tx, a: connections.add_channels(
        tx, a.vault, a.registry, a.stranger, a.user, a.connection, TYPED
    ),
    "users.change_email": lambda tx, a: users.change_email(tx, a.stranger, a.user, "mallory@example.org"),
    "users.change_profile": lambda tx, a: users.change_profile(tx, a.stranger, a.user, {"company": "Mallory"}),
    "users.change_password": lambda tx, a: users.change_password(a.runtime.database, a.stranger, a.user, "mallory"),
    "uploads.connection_for_files": lambda tx, a: uploads.connection_for_files(
        tx, a.vault, a.registry, a.stranger, a.user
    ),
    "erasure.request": lambda tx, a: erasure.request(tx, a.stranger, a.user.id),
    "uploads.hand_in": lambda tx, a: uploads.hand_in(
        tx, a.vault, a.registry, a.stranger, a.user, "x.ofx", b"OFXHEADER:100"
    ),
}
#: These find the one channel linked already when the right principal tries, or would end the test's user.
NOT_FOR_ONESELF = {"connections.add_channels", "erasure.request"}
#: These look for the connection's sync first, and find none.
SYNC_ATTEMPTS: dict[str, Attempt] = {
    "syncs.request": lambda tx, a: syncs.request(tx, a.stranger, a.connection, SyncKind.ALL, interactive=True),
    "syncs.request_all": lambda tx, a: syncs.request_all(tx, a.stranger, a.user.id, SyncKind.ALL, interactive=True),
    "syncs.request_anew": lambda tx, a: syncs.request_anew(
        tx, a.stranger, a.connection, SyncKind.ALL, interactive=True
    ),
    "challenges.answer": lambda tx, a: challenges.answer(tx, a.vault, a.stranger, a.connection, typed(sms="1234")),
    "syncs.cancel": lambda tx, a: syncs.cancel(tx, a.stranger, a.connection),
}


async def _refused(runtime: Runtime, attempt: Attempt, alice: Alice, refusal: type[Exception] | tuple) -> None:
    before = await everything(runtime.dsn)
    with pytest.raises(refusal):
        async with runtime.database.transaction() as tx:
            await attempt(tx, alice)
    assert await everything(runtime.dsn) == before


async def test_an_application_cannot_touch_a_user_of_another(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    victim = Alice(runtime, alice, bob.principal, await link(runtime, alice, "fast+quiet+sms"))
    await request(runtime, alice, victim.connection)
    for attempt in ATTEMPTS.values():
        await _refused(runtime, attempt, victim, NotFound)
    for attempt in SYNC_ATTEMPTS.values():
        await _refused(runtime, attempt, victim, (NotFound, Conflict))


async def test_a_user_cannot_touch_another_of_the_same_application(runtime: Runtime, alice: Tenant) -> None:
    neighbour = await users.register(runtime.database, runtime.vault, alice.principal, email="carol@example.org")
    stranger = replace(alice.principal, user_id=neighbour.id)
    victim = Alice(runtime, alice, stranger, await link(runtime, alice, "fast+quiet+sms"))
    for attempt in ATTEMPTS.values():
        await _refused(runtime, attempt, victim, NotFound)


async def test_a_principal_may_act_for_its_own_user(runtime: Runtime, alice: Tenant) -> None:
    own = replace(alice.principal, user_id=alice.user.id)
    for name in ATTEMPTS.keys() - NOT_FOR_ONESELF:
        victim = Alice(runtime, alice, own, await link(runtime, alice, "fast+quiet"))
        async with runtime.database.transaction() as tx:
            await ATTEMPTS[name](tx, victim)


async def test_every_service_that_takes_a_principal_is_tried() -> None:
    tried = ATTEMPTS.keys() | SYNC_ATTEMPTS.keys() | {"users.register"}
    modules = (challenges, connections, documents, erasure, syncs, uploads, users)
    taking = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in modules
        for name, function in vars(module).items()
        if callable(function) and not name.startswith("_") and getattr(function, "__module__", "") == module.__name__
        if "principal" in getattr(function, "__annotations__", {})
    }
    # Erasing begins with `request`.
    assert taking - {"users.check_principal", "users.share", "erasure.erase"} == tried


async def test_reading_with_another_applications_ids_finds_nothing(
    runtime: Runtime, alice: Tenant, bob: Tenant
) -> None:
    linked = await link(runtime, alice, "fast+accounts-1+documents-1")
    async with working(runtime):
        ended = await synchronise(runtime, alice, linked)
    (account,), (document,) = await accounts_of(runtime, alice), await documents_of(runtime, alice)
    theirs, hers, bobs = bob.application.id, alice.user.id, bob.user.id
    async with runtime.database.transaction() as tx:
        upload = await uploads.hand_in(
            tx, runtime.vault, runtime.registry, alice.principal, alice.user, "x.ofx", b"OFXHEADER:100"
        )
        for user in (hers, bobs):
            assert await accounts.of_user(tx, theirs, user) == []
            assert await document_store.of_user(tx, theirs, user) == []
            assert await connection_store.of_user(tx, theirs, user) == []
            assert await transactions.of_account(tx, theirs, user, account.id) == []
        assert await connection_store.channels(tx, theirs, linked.id) == []
        assert await operation_store.on_user(tx, theirs, hers) == []
        assert await sync_store.latest(tx, theirs, [linked.id]) == []
        assert await user_store.by_email(tx, theirs, "alice@example.org") is None
        for reading in (
            lambda: accounts.by_id(tx, theirs, hers, account.id),
            lambda: accounts.by_id(tx, theirs, bobs, account.id),
            lambda: accounts.by_id(tx, alice.application.id, bobs, account.id),
            lambda: document_store.by_id(tx, theirs, bobs, document.id),
            lambda: connection_store.by_id(tx, theirs, bobs, linked.id),
            lambda: connection_store.by_id(tx, alice.application.id, bobs, linked.id),
            lambda: sync_store.by_id(tx, theirs, ended.id),
            lambda: upload_store.by_id(tx, theirs, upload),
            lambda: user_store.by_id(tx, theirs, hers),
            lambda: erasure.preview(tx, theirs, hers),
            lambda: documents.content(tx, runtime.vault, bob.user, document),
        ):
            with pytest.raises(NotFound):
                await reading()


async def test_a_key_of_one_user_opens_nothing_of_another(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    mixed: User = replace(alice.user, data_key=bob.user.data_key)
    with pytest.raises(DecryptionFailed, match="does not open"):
        runtime.vault.of(mixed)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", ""])
async def test_what_cannot_be_kept_is_refused_by_the_name_of_its_field(
    runtime: Runtime, alice: Tenant, value: str
) -> None:
    with pytest.raises(InvalidInput, match=r"^Invalid parameter login$"):
        await link(runtime, alice, value)
