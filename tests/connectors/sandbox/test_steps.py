"""Every way in which a sandbox bank asks who is there."""

from datetime import timedelta

import pytest

from afflux.connectors.sandbox import manifest
from afflux.connectors.sandbox.memory import Memory
from afflux.domain.challenges import Answer, ChallengeKind
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Done

from .driver import POLL, START, Connection, typed

SMS = typed(sms="1234")
RIGHT = {
    "sms": (ChallengeKind.INPUT, SMS),
    "choice": (ChallengeKind.CHOICE, typed(choice="email")),
    "confirm": (ChallengeKind.CONFIRM, typed(confirm="yes")),
    "display": (ChallengeKind.DISPLAY, typed(code="1234")),
    "captcha": (ChallengeKind.CAPTCHA, typed(captcha="1234")),
    "redirect": (ChallengeKind.REDIRECT, typed(code="1234", state="abc")),
    "app-1": (ChallengeKind.DECOUPLED, POLL),
}
WRONG = {
    "sms": typed(sms="0000"),
    "choice": typed(choice="pigeon"),
    "display": typed(code="0000"),
    "captcha": typed(captcha="0000"),
    "redirect": typed(code="0000"),
    "confirm": typed(confirm="no"),
}


@pytest.mark.parametrize("login", RIGHT)
async def test_the_right_answer_finishes_the_sync(login: str) -> None:
    connection = Connection(login)
    park = (await connection.sync()).park
    kind, answer = RIGHT[login]
    assert park.challenge.kind is kind
    assert (await connection.answer(park, answer)).last == Done()


@pytest.mark.parametrize("login", WRONG)
async def test_a_wrong_answer_fails_the_sync(login: str) -> None:
    run = await Connection(login).sync(WRONG[login])
    assert run.failure.code is SyncErrorCode.CHALLENGE_REJECTED


@pytest.mark.parametrize("login", RIGHT)
async def test_whoever_gives_up_is_not_let_in(login: str) -> None:
    run = await Connection(login).sync(Answer(cancel=True))
    expected = SyncErrorCode.CONSENT_REQUIRED if login == "redirect" else SyncErrorCode.CHALLENGE_REJECTED
    assert run.failure.code is expected


@pytest.mark.parametrize("login", RIGHT)
async def test_nobody_is_asked_while_away(login: str) -> None:
    connection = Connection(login)
    run = await connection.sync(interactive=False)
    assert run.failure.code is SyncErrorCode.USER_PRESENCE_REQUIRED
    assert Memory.load(connection.state, connection.now).sent == 0


@pytest.mark.parametrize("login", RIGHT)
async def test_every_step_is_a_form_of_the_channel(login: str) -> None:
    challenge = (await Connection(login).sync()).park.challenge
    channel = next(provider for provider in manifest.providers if provider.id == 1000).channels[0]
    step = next(step for step in channel.steps if step.name == challenge.name)
    assert challenge.fields in {(), step.fields}


async def test_a_choice_may_be_followed_by_the_code() -> None:
    connection = Connection("choice-sms")
    second = await connection.sync(typed(choice="sms"))
    assert second.park.challenge.name == "sms"
    assert (await connection.answer(second.park, SMS)).last == Done()


async def test_an_approval_is_looked_for_until_it_is_there() -> None:
    connection = Connection("app-3")
    first = (await connection.sync()).park
    second = (await connection.answer(first, POLL)).park
    third = (await connection.answer(second, POLL)).park
    assert first.challenge == second.challenge == third.challenge
    assert (await connection.answer(third, POLL)).last == Done()


async def test_an_approval_that_never_comes_expires() -> None:
    connection = Connection("app-never")
    park = (await connection.sync()).park
    for _ in range(5):
        park = (await connection.later(seconds=30).answer(park, POLL)).park
    run = await connection.later(minutes=5).answer(park, POLL)
    assert run.failure.code is SyncErrorCode.CHALLENGE_EXPIRED


async def test_an_approval_may_be_refused() -> None:
    run = await Connection("app-refused").sync(POLL, POLL)
    assert run.failure.code is SyncErrorCode.CHALLENGE_REJECTED


async def test_the_site_of_the_bank_sends_back_to_where_we_are() -> None:
    url = (await Connection("redirect").sync()).park.challenge.url
    assert url == "https://server.example/back?state=abc&code=1234"


async def test_consent_refused_on_the_site_of_the_bank_is_required() -> None:
    connection = Connection("redirect-refused")
    park = (await connection.sync()).park
    assert park.challenge.url == "https://server.example/back?state=abc&error=access_denied"
    run = await connection.answer(park, typed(error="access_denied", state="abc"))
    assert run.failure.code is SyncErrorCode.CONSENT_REQUIRED


@pytest.mark.parametrize("login", ["display", "captcha"])
async def test_what_is_shown_is_a_png(login: str) -> None:
    image = (await Connection(login).sync()).park.challenge.image
    assert image is not None
    assert image.startswith(b"\x89PNG\r\n\x1a\n")


async def test_a_forgiving_bank_asks_again_and_then_no_more() -> None:
    wrong = typed(sms="0000")
    assert (await Connection("sms+forgiving").sync(wrong, wrong, SMS)).last == Done()
    run = await Connection("sms+forgiving").sync(wrong, wrong, wrong)
    assert run.failure.code is SyncErrorCode.CHALLENGE_REJECTED


async def test_a_step_may_have_to_be_answered_quickly() -> None:
    connection = Connection("sms+expires-3")
    park = (await connection.sync()).park
    assert park.challenge.expires_at == START + timedelta(seconds=3)
    run = await connection.later(seconds=3).answer(park, SMS)
    assert run.failure.code is SyncErrorCode.CHALLENGE_EXPIRED


async def test_even_the_right_code_may_be_too_late() -> None:
    run = await Connection("sms+too-late").sync(SMS)
    assert run.failure.code is SyncErrorCode.CHALLENGE_EXPIRED


async def test_consent_may_last_a_few_days_only() -> None:
    connection = Connection("consent-7")
    await connection.sync(SMS)
    assert (await connection.later(days=6).sync(interactive=False)).last == Done()
    run = await connection.later(days=1).sync(interactive=False)
    assert run.failure.code is SyncErrorCode.USER_PRESENCE_REQUIRED


async def test_a_step_may_be_asked_every_time() -> None:
    connection = Connection("confirm+every-time")
    await connection.sync(typed(confirm="yes"))
    assert (await connection.sync()).park.challenge.name == "confirm"


async def test_a_bank_may_refuse_only_the_absent() -> None:
    connection = Connection("presence")
    assert (await connection.sync()).last == Done()
    assert (await connection.sync(interactive=False)).failure.code is SyncErrorCode.USER_PRESENCE_REQUIRED
