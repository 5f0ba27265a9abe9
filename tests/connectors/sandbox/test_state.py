"""What is kept between runs, what is parked, and what must never be seen."""

import pytest

from afflux.connectors.sandbox.memory import Memory, Parked
from afflux.connectors.sandbox.png import digits_picture
from afflux.connectors.sandbox.scenarios import SCENARIOS
from afflux.domain.challenges import Answer
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Done, StateUpdate

from .driver import START, Connection, typed

BROKEN = {"crash", "hang", "garbage", "slow"}
SECRET = "s3cr3t-passphrase"


@pytest.mark.parametrize("parked", [b"", b"garbage", b"{}", b'{"v":2,"phase":"challenge","step":0}', b"\xff\xfe"])
async def test_an_unknown_parked_state_has_expired(parked: bytes) -> None:
    run = await Connection("sms").sync()
    park = type(run.park)(run.park.challenge, parked)
    assert (await Connection("sms").answer(park, typed(sms="1234"))).failure.code is SyncErrorCode.CHALLENGE_EXPIRED


async def test_a_step_that_the_bank_no_longer_has_has_expired() -> None:
    parked = Parked(step=7, expires_at=START.replace(year=2030)).dump()
    park = (await Connection("sms").sync()).park
    run = await Connection("sms").answer(type(park)(park.challenge, parked), typed(sms="1234"))
    assert run.failure.code is SyncErrorCode.CHALLENGE_EXPIRED


@pytest.mark.parametrize("state", [b"", b"garbage", b'{"v":99}', b"\xff"])
async def test_an_unreadable_state_is_a_new_connection(state: bytes) -> None:
    connection = Connection("alix", state=state)
    assert (await connection.sync()).last == Done()
    assert Memory.load(connection.state, START).run == 2


@pytest.mark.parametrize("login", sorted(SCENARIOS.keys() - BROKEN))
async def test_a_run_can_be_replayed_to_the_letter(login: str) -> None:
    connection = Connection(login)
    assert await connection.messages() == await connection.messages()
    await connection.sync()
    connection.later(days=2)
    assert await connection.messages() == await connection.messages()


@pytest.mark.parametrize("login", sorted(SCENARIOS.keys() - BROKEN))
async def test_no_message_shows_a_secret(login: str) -> None:
    connection = Connection(f"{login}+zeta-person")
    right = repr(await connection.messages())
    connection.password = SECRET
    wrong = repr(await connection.messages())
    for text in (right, wrong):
        assert SECRET not in text
        assert "zeta-person" not in text
        assert "123456'" not in text


async def test_no_answer_is_parked_or_kept() -> None:
    connection = Connection("sms+forgiving")
    run = await connection.sync(Answer(values={"sms": "8642"}))
    assert b"8642" not in run.park.parked
    assert b"8642" not in (connection.state or b"")


async def test_the_state_is_small() -> None:
    run = await Connection("accounts-50").sync()
    assert max(len(update.state) for update in run.of(StateUpdate)) < 1000


def test_pictures_of_different_digits_differ_and_the_noise_shows() -> None:
    assert digits_picture("1234") != digits_picture("4321")
    assert digits_picture("1234") != digits_picture("1234", noise=True)
