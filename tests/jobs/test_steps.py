"""A sync that needs its human: asked, answered rightly, wrongly, late or not at all."""

import asyncio

import pytest

from afflux.domain.challenges import Answer
from afflux.domain.errors import Conflict, InvalidInput, SyncErrorCode
from afflux.domain.events import EventType
from afflux.domain.syncs import SyncStatus
from afflux.runtime import Runtime
from afflux.services import connections
from tests.conftest import Tenant
from tests.jobs.acting import answer, channel_of, current, events_of, link, synchronise, typed, until, working

ANSWERS = {
    "sms": [typed(sms="1234")],
    "choice": [typed(choice="email")],
    "choice-sms": [typed(choice="sms"), typed(sms="1234")],
    "redirect": [typed(code="1234")],
    "display": [typed(code="1234")],
    "captcha": [typed(captcha="1234")],
    "confirm": [typed(confirm="yes")],
    "sms+confirm": [typed(sms="1234"), typed(confirm="yes")],
    "forgiving-1+sms": [typed(sms="9999"), typed(sms="1234")],
    "app-2": [],
}


async def test_every_kind_of_step_can_be_answered(runtime: Runtime, alice: Tenant) -> None:
    linked = {word: await link(runtime, alice, f"fast+quiet+{word}") for word in ANSWERS}

    async def answered(word: str) -> tuple[str, SyncStatus, SyncErrorCode | None]:
        sync = await synchronise(runtime, alice, linked[word], *ANSWERS[word])
        ended = await until(runtime, sync, SyncStatus.FINISHED, SyncStatus.FAILED)
        return word, ended.status, ended.error_code

    async with working(runtime):
        outcomes = await asyncio.gather(*map(answered, ANSWERS))
    assert outcomes == [(word, SyncStatus.FINISHED, None) for word in ANSWERS]


@pytest.mark.parametrize(
    ("login", "given", "error"),
    [
        ("sms", typed(sms="9999"), SyncErrorCode.CHALLENGE_REJECTED),
        ("sms+too-late", typed(sms="1234"), SyncErrorCode.CHALLENGE_EXPIRED),
        ("sms", Answer(cancel=True), SyncErrorCode.CHALLENGE_REJECTED),
    ],
    ids=["wrong", "late", "given up"],
)
async def test_an_answer_that_the_bank_refuses_ends_the_sync(
    runtime: Runtime, alice: Tenant, login: str, given: Answer, error: SyncErrorCode
) -> None:
    connection = await link(runtime, alice, f"fast+quiet+{login}")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection, given)
    assert (ended.status, ended.error_code) == (SyncStatus.FAILED, error)
    assert not (await channel_of(runtime, connection)).frozen


async def test_there_is_nothing_to_answer_before_the_bank_asks(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet+sms")
    with pytest.raises(Conflict, match="Step not available"):
        await answer(runtime, alice, connection, typed(sms="1234"))


async def test_an_answer_without_its_value_is_refused_by_name_and_the_sync_waits_on(
    runtime: Runtime, alice: Tenant
) -> None:
    connections_by_value = {"sms": "fast+quiet+sms", "choice": "fast+quiet+choice"}
    async with working(runtime):
        for value, login in connections_by_value.items():
            connection = await link(runtime, alice, login)
            waiting = await synchronise(runtime, alice, connection)
            for given in (typed(), typed(**{value: ""}), typed(other="1234")):
                with pytest.raises(InvalidInput, match=f"^Invalid parameter {value}$"):
                    await answer(runtime, alice, connection, given)
            assert await current(runtime, waiting) == waiting


async def test_a_choice_that_was_not_offered_is_refused(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet+choice")
    async with working(runtime):
        await synchronise(runtime, alice, connection)
        with pytest.raises(InvalidInput, match="choice"):
            await answer(runtime, alice, connection, typed(choice="pigeon"))


async def test_a_second_answer_finds_no_step(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet+sms")
    async with working(runtime):
        await synchronise(runtime, alice, connection)
    await answer(runtime, alice, connection, typed(sms="1234"))
    with pytest.raises(Conflict, match="Step not available"):
        await answer(runtime, alice, connection, typed(sms="1234"))


async def test_a_step_that_nobody_answers_ends_at_its_time(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet+sms+expires-1")
    async with working(runtime):
        sync = await synchronise(runtime, alice, connection)
        ended = await until(runtime, sync, SyncStatus.FAILED)
    channel = await channel_of(runtime, connection)
    assert ended.error_code is SyncErrorCode.CHALLENGE_EXPIRED
    assert (channel.status, channel.error_code, channel.frozen) == ("failed", SyncErrorCode.CHALLENGE_EXPIRED, False)
    with pytest.raises(Conflict, match="Step not available"):
        await answer(runtime, alice, connection, typed(sms="1234"))


async def test_an_approval_that_never_comes_ends_at_its_time_and_is_not_told_at_every_look(
    runtime: Runtime, alice: Tenant
) -> None:
    connection = await link(runtime, alice, "fast+quiet+app-never+expires-3")
    async with working(runtime):
        sync = await synchronise(runtime, alice, connection)
        ended = await until(runtime, sync, SyncStatus.FAILED)
    waits = [event for event in await events_of(runtime, alice, sync) if event.type is EventType.SYNC_WAITING]
    assert ended.error_code is SyncErrorCode.CHALLENGE_EXPIRED
    assert len(waits) == 1


async def test_a_step_that_follows_an_approval_is_told_too(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet+app-1+confirm")
    async with working(runtime):
        sync = await synchronise(runtime, alice, connection)
        while (await current(runtime, sync)).challenge["name"] != "confirm":  # type: ignore[index]
            await asyncio.sleep(0.02)
    waits = [event for event in await events_of(runtime, alice, sync) if event.type is EventType.SYNC_WAITING]
    assert [event.data["step"] for event in waits] == ["app", "confirm"]


async def test_an_unattended_run_that_would_need_the_human_sends_no_message_and_fails(
    runtime: Runtime, alice: Tenant
) -> None:
    async with working(runtime):
        for login in ("fast+quiet+sms", "fast+quiet+app", "fast+quiet+presence"):
            connection = await link(runtime, alice, login)
            ended = await synchronise(runtime, alice, connection, interactive=False)
            types = [event.type for event in await events_of(runtime, alice, ended)]
            assert ended.error_code is SyncErrorCode.USER_PRESENCE_REQUIRED
            assert EventType.SYNC_WAITING not in types
            assert not (await channel_of(runtime, connection)).frozen


async def test_a_refused_password_freezes_the_connection_until_there_is_another(
    runtime: Runtime, alice: Tenant
) -> None:
    connection = await link(runtime, alice, "fast+quiet", password="wrong")
    async with working(runtime):
        first = await synchronise(runtime, alice, connection)
        assert first.error_code is SyncErrorCode.CREDENTIALS_INVALID
        again = await synchronise(runtime, alice, connection)
        asked = {event.type for event in await events_of(runtime, alice, again)} & {EventType.SYNC_PROGRESSED}
        assert again.error_code is SyncErrorCode.CREDENTIALS_INVALID
        assert not asked, "the bank was asked although it had refused this password"
        async with runtime.database.transaction() as tx:
            await connections.change_credentials(
                tx, runtime.vault, runtime.registry, alice.principal, alice.user, connection,
                {100000: {"login": "fast+quiet", "password": "123456"}},
            )  # fmt: skip
        ended = await synchronise(runtime, alice, connection)
    assert ended.status is SyncStatus.FINISHED
