"""Codes that prove an address are mailed by the worker: surely, while they are good, and only then."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from afflux.domain.jobs import MailToken
from afflux.jobs.mail_token import clear_outbox, mail_token
from afflux.runtime import Runtime
from afflux.services import erasure, validations
from afflux.services.validations import Proof, Validation
from tests.conftest import Tenant
from tests.delivery.post_office import PostOffice, post_office
from tests.jobs.acting import working
from tests.services.everything import everything


async def ask(runtime: Runtime, tenant: Tenant, address: str = "alice@home.example") -> Validation:
    """Ask the user to prove an address."""
    async with runtime.database.transaction() as tx:
        await validations.request(tx, runtime.vault, tenant.user, address)
    return await known(runtime, tenant)


async def known(runtime: Runtime, tenant: Tenant) -> Validation:
    validation = await validations.current(runtime.database, runtime.vault, tenant.user)
    assert validation is not None
    return validation


def digits(validation: Validation) -> str:
    assert validation.code is not None
    return validation.code.digits


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def idle(runtime: Runtime) -> None:
    """Wait until nothing is queued."""
    async with asyncio.timeout(20):
        while (await everything(runtime.dsn)).cells["pgqueuer.id"]:
            await asyncio.sleep(0.05)


def lying(runtime: Runtime) -> list[str]:
    """What the letters in the outbox say."""
    return [path.read_text() for path in sorted(runtime.settings.data.glob("outbox/*.eml"))]


@asynccontextmanager
async def posting(runtime: Runtime) -> AsyncIterator[tuple[Runtime, PostOffice]]:
    """The runtime with a post office of its own."""
    async with post_office() as office:
        settings = replace(runtime.settings, smtp_url=f"smtp://127.0.0.1:{office.port}")
        yield replace(runtime, settings=settings), office


async def test_the_letter_says_who_asks_what_the_code_is_and_how_long_it_holds(runtime: Runtime, alice: Tenant) -> None:
    asked = await ask(runtime, alice)
    async with posting(runtime) as (connected, office), working(connected):
        await idle(runtime)
    ((_, recipients, content, _),) = office.taken
    letter = message_from_bytes(content, policy=policy.default)
    text = letter.get_body().get_content()  # type: ignore[union-attr]
    assert recipients == ["alice@home.example"]
    assert letter["Subject"] == "Your code for shop"
    assert asked.code is not None
    for said in ("shop", digits(asked), f"{asked.code.expires_at:%H:%M} UTC"):
        assert said in text


async def test_without_a_mail_server_the_letter_lies_in_the_outbox_until_it_is_of_no_use(
    runtime: Runtime, alice: Tenant
) -> None:
    asked = await ask(runtime, alice)
    async with working(runtime):
        await until(lambda: bool(lying(runtime)))
    await clear_outbox(runtime)
    (letter,) = lying(runtime)
    assert digits(asked) in letter
    async with runtime.database.transaction() as tx:
        assert await validations.prove(tx, runtime.vault, alice.user, digits(asked)) is Proof.RIGHT
    await clear_outbox(runtime)
    assert lying(runtime) == []


async def test_a_letter_is_sent_again_until_the_server_takes_it(runtime: Runtime, alice: Tenant) -> None:
    await ask(runtime, alice)
    async with posting(runtime) as (connected, office), working(connected):
        office.refusals += ["450 Later", "451 Later still"]
        await until(lambda: bool(office.taken))
        await idle(runtime)
    assert len(office.taken) == 1


async def test_a_letter_that_is_refused_for_good_is_not_sent_again(
    runtime: Runtime, alice: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(runtime, alice)
    async with posting(runtime) as (connected, office), working(connected):
        office.refusals += ["550 Nobody here"]
        await idle(runtime)
    assert (office.taken, office.refusals) == ([], [])
    assert "recipient refused, 550" in caplog.text
    assert "alice@" not in caplog.text


async def test_a_job_that_is_delivered_again_mails_nothing_twice(runtime: Runtime, alice: Tenant) -> None:
    await ask(runtime, alice)
    (number,) = (await everything(runtime.dsn)).cells["pgqueuer.id"]
    job = MailToken(alice.application.id, alice.user.id)
    async with posting(runtime) as (connected, office):
        for delivered in (int(number) + 1, int(number), int(number)):
            await mail_token(connected, job, delivered)
    assert len(office.taken) == 1


async def test_only_the_newest_code_is_mailed(runtime: Runtime, alice: Tenant) -> None:
    for address in ("first@home.example", "second@home.example", "third@home.example"):
        asked = await ask(runtime, alice, address)
    assert len((await everything(runtime.dsn)).cells["pgqueuer.id"]) == 1
    async with posting(runtime) as (connected, office), working(connected):
        await idle(runtime)
    assert [recipients for _, recipients, _, _ in office.taken] == [["third@home.example"]]
    assert digits(asked).encode() in office.taken[0][2]


@pytest.mark.parametrize("end", ["over", "proven", "erased"])
async def test_a_code_that_is_of_no_use_any_more_is_not_mailed(runtime: Runtime, alice: Tenant, end: str) -> None:
    asked = await ask(runtime, alice)
    async with runtime.database.transaction() as tx:
        if end == "over":
            await tx.execute("UPDATE address_validations SET token_expires_at = now()")
        elif end == "proven":
            await validations.prove(tx, runtime.vault, alice.user, digits(asked))
    if end == "erased":
        await erasure.erase(runtime, alice.principal, alice.user.id)
        assert (await everything(runtime.dsn)).cells["pgqueuer.id"] == [], "his jobs go with him"
    async with posting(runtime) as (connected, office), working(connected):
        await idle(runtime)
    assert office.taken == []


async def test_the_letters_of_an_erased_user_go_too(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    await ask(runtime, alice)
    await ask(runtime, bob, "bob@home.example")
    async with working(runtime):
        await until(lambda: len(lying(runtime)) == 2)
    await erasure.erase(runtime, alice.principal, alice.user.id)
    await clear_outbox(runtime)
    (kept,) = lying(runtime)
    assert "bob@home.example" in kept


async def test_a_code_that_is_over_is_mailed_anew_when_it_is_looked_at(runtime: Runtime, alice: Tenant) -> None:
    await ask(runtime, alice)
    async with posting(runtime) as (connected, office), working(connected):
        await idle(runtime)
        async with runtime.database.transaction() as tx:
            await tx.execute("UPDATE address_validations SET token_expires_at = now() - interval '1 second'")
        renewed = await known(runtime, alice)
        await idle(runtime)
    assert len(office.taken) == 2
    assert digits(renewed).encode() in office.taken[1][2]
    ids = {message_from_bytes(content)["Message-ID"] for _, _, content, _ in office.taken}
    assert len(ids) == 2, "a mailbox would take the second letter for the first"


async def test_a_code_is_nowhere_to_be_read_but_in_its_letter(
    runtime: Runtime, alice: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    asked = await ask(runtime, alice)
    queued = await everything(runtime.dsn)
    async with working(runtime):
        await idle(runtime)
    mailed = await everything(runtime.dsn)
    places = queued.places_of(digits(asked)) | mailed.places_of(digits(asked))
    assert not {place for place in places if place.startswith(("pgqueuer", "address_validations", "events"))}
    assert digits(asked) not in caplog.text


async def test_codes_have_six_digits_and_differ(runtime: Runtime, alice: Tenant) -> None:
    codes = {digits(await ask(runtime, alice, f"a{n}@home.example")) for n in range(60)}
    assert {len(code) for code in codes} == {6}
    assert len(codes) > 55
    assert len({code[0] for code in codes}) > 5
