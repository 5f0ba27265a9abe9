"""Sending a person to the bank's own page, and what comes back from there."""

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from afflux.connectors.sandbox import twoways
from afflux.domain.applications import Application
from afflux.domain.connections import Connection, ConsentRequest
from afflux.domain.errors import InvalidInput, NotFound
from afflux.domain.events import EventType
from afflux.domain.syncs import SyncKind, SyncStatus
from afflux.runtime import Runtime
from afflux.services import connections, consents
from tests.conftest import Tenant
from tests.jobs.acting import current, events_of, request, syncs_of, until, working
from tests.jobs.test_channels import BOTH, R, channels_of, link, story
from tests.services.everything import everything

HOME = "https://app.example/back?step=2"
PUBLIC = "http://127.0.0.1:8080"
TOLD = {"connection_id": "7"}


@pytest_asyncio.fixture
async def shop(runtime: Runtime, alice: Tenant) -> Application:
    """Alice's application, with an address to come back to."""
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE applications SET redirect_uris = $2 WHERE id = $1", alice.application.id, [HOME])
        return Application(alice.application.id, "shop", True, (HOME,), alice.application.created_at)


@pytest_asyncio.fixture
async def linked(runtime: Runtime, alice: Tenant) -> Connection:
    """Both channels of provider 87, r without consent."""
    return await link(runtime, alice, BOTH, None)


async def ask(
    runtime: Runtime, shop: Application, connection: Connection, channel: int = R, home: str | None = HOME
) -> str:
    """The address of the bank's page."""
    async with runtime.database.transaction() as tx:
        return await consents.ask(tx, runtime.registry, shop, connection, channel, PUBLIC, home, TOLD)


def state_in(address: str) -> str:
    """The secret in it."""
    return parse_qs(urlsplit(address).query)["state"][0]


async def come_back(runtime: Runtime, state: str, **parameters: str) -> ConsentRequest:
    """Return from the bank."""
    async with runtime.database.transaction() as tx:
        return await consents.answered(tx, runtime.vault, runtime.registry, state, parameters)


async def test_the_address_leads_to_the_bank_and_back_to_us(
    runtime: Runtime, shop: Application, linked: Connection
) -> None:
    address = urlsplit(await ask(runtime, shop, linked))
    query = parse_qs(address.query)
    assert address._replace(query="").geturl() == f"{PUBLIC}/sandbox/bank"
    assert query["redirect_uri"] == [f"{PUBLIC}/widget/return"]
    assert len(query["state"][0]) >= 43
    assert not (await everything(runtime.dsn)).places_of(query["state"][0])


async def test_consent_is_kept_and_starts_a_sync_that_lists_accounts(
    runtime: Runtime, alice: Tenant, shop: Application, linked: Connection
) -> None:
    state = state_in(await ask(runtime, shop, linked))
    code = twoways.grant("dev")
    back = await come_back(runtime, state, code=code)
    async with working(runtime):
        (sync,) = await syncs_of(runtime, linked)
        ended = await until(runtime, sync, SyncStatus.FINISHED)
    r = (await channels_of(runtime, linked))["r"]
    assert back.redirect_url == f"{HOME}&connection_id=7"
    assert (ended.kind, ended.interactive) == (SyncKind.ACCOUNTS, True)
    assert (await story(runtime, alice, ended))[1:3] == ["let in r", "done r"]
    assert r.consent_expires_at is not None
    assert timedelta(days=89) < r.consent_expires_at - sync.requested_at <= timedelta(days=90, minutes=1)
    assert not (await everything(runtime.dsn)).places_of(code)
    updates = [event for event in await events_of(runtime, alice) if event.type is EventType.CONNECTION_UPDATED]
    assert [event.data for event in updates] == [{"channel_id": R}]


async def test_a_frozen_channel_thaws(runtime: Runtime, alice: Tenant, shop: Application, linked: Connection) -> None:
    async with working(runtime):
        await until(runtime, await request(runtime, alice, linked), SyncStatus.FINISHED)
    assert (await channels_of(runtime, linked))["r"].frozen
    await come_back(runtime, state_in(await ask(runtime, shop, linked)), code=twoways.grant("dev"))
    assert not (await channels_of(runtime, linked))["r"].frozen


async def test_a_sync_that_has_begun_is_followed_by_one_that_knows_of_the_consent(
    runtime: Runtime, alice: Tenant, shop: Application
) -> None:
    connection = await link(runtime, alice, {R: {}, 8700: {"login": "dev+sms", "password": "dev"}}, None)
    async with working(runtime):
        begun = await until(runtime, await request(runtime, alice, connection, SyncKind.ACCOUNTS), SyncStatus.WAITING)
        await come_back(runtime, state_in(await ask(runtime, shop, connection)), code=twoways.grant("dev"))
    assert (await current(runtime, begun)).then_kind is SyncKind.ACCOUNTS


async def test_a_sync_that_still_waits_for_its_worker_will_do(
    runtime: Runtime, alice: Tenant, shop: Application, linked: Connection
) -> None:
    pending = await request(runtime, alice, linked, SyncKind.ACCOUNTS)
    await come_back(runtime, state_in(await ask(runtime, shop, linked)), code=twoways.grant("dev"))
    assert (await current(runtime, pending)).then_kind is None


@pytest.mark.parametrize("parameters", [{"error": "access_denied"}, {"error": "x", "code": "y"}, {}])
async def test_a_refusal_changes_nothing_and_uses_the_state_up(
    runtime: Runtime, shop: Application, linked: Connection, parameters: dict[str, str]
) -> None:
    state = state_in(await ask(runtime, shop, linked))
    back = await come_back(runtime, state, **parameters)
    error = parameters.get("error", "access_denied")
    assert back.redirect_url == f"{HOME}&connection_id=7&error={error}"
    assert await syncs_of(runtime, linked) == []
    assert (await channels_of(runtime, linked))["r"].consent_expires_at is None
    with pytest.raises(NotFound):
        await come_back(runtime, state, code="late")


async def test_of_twenty_returns_at_once_one_counts(runtime: Runtime, shop: Application, linked: Connection) -> None:
    state = state_in(await ask(runtime, shop, linked))
    outcomes = await asyncio.gather(
        *(come_back(runtime, state, code=twoways.grant("dev")) for _ in range(20)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConsentRequest"] + ["NotFound"] * 19
    assert len(await syncs_of(runtime, linked)) == 1


async def test_a_state_is_good_for_an_hour_and_until_the_next_one(
    runtime: Runtime, shop: Application, linked: Connection
) -> None:
    older, newer = [state_in(await ask(runtime, shop, linked)) for _ in range(2)]
    with pytest.raises(NotFound):
        await come_back(runtime, older, code="x")
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE consent_requests SET expires_at = expires_at - interval '1 hour'")
    with pytest.raises(NotFound):
        await come_back(runtime, newer, code="x")


@pytest.mark.parametrize("state", ["", "x", "\0", "\ud800", "x" * 100_000])
async def test_any_other_state_is_unknown(runtime: Runtime, shop: Application, linked: Connection, state: str) -> None:
    await ask(runtime, shop, linked)
    with pytest.raises(NotFound):
        await come_back(runtime, state, code="x")


@pytest.mark.parametrize(
    "home", ["https://app.example/back", f"{HOME}&more=1", "https://evil.example/", "javascript:alert(1)", ""]
)
async def test_nobody_is_sent_on_to_an_address_that_is_not_registered(
    runtime: Runtime, shop: Application, linked: Connection, home: str
) -> None:
    with pytest.raises(InvalidInput, match="redirect_url"):
        await ask(runtime, shop, linked, home=home)


@pytest.mark.parametrize("channel", [8700, 99900, 1])
async def test_only_a_linked_channel_that_needs_it_has_a_page(
    runtime: Runtime, shop: Application, linked: Connection, channel: int
) -> None:
    with pytest.raises(InvalidInput):
        await ask(runtime, shop, linked, channel)


async def test_without_an_address_the_person_goes_nowhere(
    runtime: Runtime, shop: Application, linked: Connection
) -> None:
    state = state_in(await ask(runtime, shop, linked, home=None))
    assert (await come_back(runtime, state, error="no")).redirect_url is None


async def test_a_connection_that_was_deleted_meanwhile_is_not_found(
    runtime: Runtime, alice: Tenant, shop: Application, linked: Connection
) -> None:
    state = state_in(await ask(runtime, shop, linked))
    async with runtime.database.transaction() as tx:
        await connections.delete(tx, alice.principal, linked)
    with pytest.raises(NotFound):
        await come_back(runtime, state, code="x")


@pytest.mark.parametrize(
    ("address", "then"),
    [
        ("https://a.example", "https://a.example?x=1+2"),
        ("https://a.example/b?c=%20#d", "https://a.example/b?c=%20&x=1+2#d"),
        ("own://", "own://?x=1+2"),
        ("own:///b", "own:///b?x=1+2"),
        ("own:/b?", "own:/b?x=1+2"),
    ],
)
def test_only_the_query_of_an_address_changes(address: str, then: str) -> None:
    assert consents.with_query(address, {"x": "1 2"}) == then
    assert consents.with_query(address, {}) == address.rstrip("?")
