"""Every way in which a sandbox bank, or a connector, fails."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from afflux.connectors.base import Operation
from afflux.connectors.sandbox.connector import create
from afflux.domain.errors import InvalidInput, SyncErrorCode
from afflux.domain.messages import AccountsListed, Checkpoint, Done, Message, StateUpdate
from afflux.domain.records import TransactionRecord

from .driver import Connection, typed

ALWAYS = {
    "wrong-password": SyncErrorCode.CREDENTIALS_INVALID,
    "locked": SyncErrorCode.ACCOUNT_LOCKED,
    "password-expired": SyncErrorCode.PASSWORD_EXPIRED,
    "action-required": SyncErrorCode.ACTION_REQUIRED,
    "consent-required": SyncErrorCode.CONSENT_REQUIRED,
    "unsupported": SyncErrorCode.UNSUPPORTED_AUTH,
    "changed": SyncErrorCode.PROVIDER_CHANGED,
    "down": SyncErrorCode.PROVIDER_UNAVAILABLE,
    "maintenance": SyncErrorCode.PROVIDER_MAINTENANCE,
}
AT_FIRST = {
    "outage": SyncErrorCode.PROVIDER_UNAVAILABLE,
    "network": SyncErrorCode.NETWORK,
    "half-history": SyncErrorCode.PROVIDER_UNAVAILABLE,
}


@pytest.mark.parametrize("login", ALWAYS)
async def test_a_lasting_failure_happens_at_every_try(login: str) -> None:
    connection = Connection(login)
    for _ in range(3):
        assert (await connection.sync()).failure.code is ALWAYS[login]


@pytest.mark.parametrize("login", ALWAYS)
async def test_a_failure_may_come_with_the_second_sync(login: str) -> None:
    connection = Connection(f"{login}+later")
    assert (await connection.sync()).last == Done()
    assert (await connection.sync()).failure.code is ALWAYS[login]


@pytest.mark.parametrize("login", AT_FIRST)
async def test_a_passing_failure_is_over_after_so_many_tries(login: str) -> None:
    connection = Connection(f"{login}-2")
    assert (await connection.sync()).failure.code is AT_FIRST[login]
    assert (await connection.sync()).failure.code is AT_FIRST[login]
    assert (await connection.sync()).last == Done()
    assert (await connection.sync()).last == Done()


async def test_failures_are_counted_each_for_itself() -> None:
    connection = Connection("outage-2+network+half-history")
    await connection.run(Operation.DISCOVER)
    codes = [(await connection.sync()).failure.code for _ in range(3)]
    assert codes == [SyncErrorCode.PROVIDER_UNAVAILABLE, SyncErrorCode.NETWORK, SyncErrorCode.PROVIDER_UNAVAILABLE]
    assert (await connection.sync()).last == Done()


async def test_listing_accounts_does_not_use_up_a_failure_in_the_history() -> None:
    connection = Connection("half-history")
    assert (await connection.run(Operation.DISCOVER)).last == Done()
    assert (await connection.sync()).failure.code is SyncErrorCode.PROVIDER_UNAVAILABLE
    assert (await connection.sync()).last == Done()


async def test_consent_may_end_after_the_first_sync() -> None:
    connection = Connection("consent-expired")
    assert (await connection.sync()).last == Done()
    assert (await connection.sync()).failure.code is SyncErrorCode.CONSENT_EXPIRED


async def test_a_history_that_breaks_off_leaves_the_last_account_without_checkpoint() -> None:
    run = await Connection("half-history").sync()
    assert [checkpoint.account_key for checkpoint in run.of(Checkpoint)] == ["current", "card"]
    assert run.rows[-1].account_key == "savings"


async def test_a_rate_limit_says_how_long_to_stay_away() -> None:
    connection = Connection("rate-limit-60")
    assert (await connection.sync()).failure.retry_after == 60
    again = (await connection.later(seconds=45).sync()).failure
    assert (again.code, again.retry_after) == (SyncErrorCode.RATE_LIMITED, 15)
    assert (await connection.later(seconds=15).sync()).last == Done()
    assert (await connection.sync()).last == Done()


async def test_a_wrong_password_is_refused_without_any_magic() -> None:
    connection = Connection("alix", password="12345")
    assert (await connection.sync()).failure.code is SyncErrorCode.CREDENTIALS_INVALID


@pytest.mark.parametrize("operation", Operation)
async def test_provider_1005_refuses_everybody(operation: Operation) -> None:
    connection = Connection("9876543210", provider=1005)
    run = await connection.run(operation)
    if operation is Operation.REVOKE:
        assert run.last == Done()
    else:
        assert run.failure.code is SyncErrorCode.CREDENTIALS_INVALID


async def test_a_redirect_without_a_way_back_is_not_possible() -> None:
    connection = Connection("redirect")
    context = connection.context()
    homeless = type(context)(interactive=True, now=context.now, deadline=context.deadline)
    messages = [message async for message in create(0.0).start(homeless, connection.request())]
    assert getattr(messages[-1], "code", None) is SyncErrorCode.UNSUPPORTED_AUTH


async def test_a_crash_is_an_exception_after_the_accounts() -> None:
    seen: list[Message] = []
    with pytest.raises(RuntimeError, match="crashes because its login says so"):
        await collect(started("crash"), seen)
    assert AccountsListed() in seen


async def test_a_hanging_connector_can_be_cancelled() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(collect(started("hang"), []), timeout=0.2)


async def test_garbage_is_no_message() -> None:
    run = await Connection("garbage").sync()
    assert any(isinstance(message, str) for message in run.messages)


async def test_an_undated_movement_has_no_day() -> None:
    row = next(row for row in (await Connection("undated").sync()).rows if row.key == "undated")
    with pytest.raises(ValueError, match="needs a date"):
        _ = row.day


async def test_a_stray_movement_belongs_to_no_listed_account() -> None:
    run = await Connection("stray").sync()
    assert {row.account_key for row in run.of(TransactionRecord)} - set(run.accounts) == {"nowhere"}


async def test_a_huge_state_is_larger_than_allowed() -> None:
    run = await Connection("huge-state").sync()
    assert max(len(update.state) for update in run.of(StateUpdate)) > 256 * 1024


async def test_a_run_without_end_just_stops() -> None:
    assert (await Connection("no-end").sync()).last != Done()


async def test_a_slow_bank_takes_its_time_at_each_call() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(collect(started("slow-30"), []), timeout=0.2)


@pytest.mark.parametrize("text", ["fast", "-1", "nan", "inf"])
def test_a_latency_that_is_no_number_of_seconds_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFFLUX_SANDBOX_LATENCY", text)
    with pytest.raises(InvalidInput, match="AFFLUX_SANDBOX_LATENCY"):
        create()


async def test_a_failure_of_one_step_does_not_lose_the_consent_given_before() -> None:
    connection = Connection("sms+half-history")
    failed = await connection.sync(typed(sms="1234"))
    assert failed.failure.code is SyncErrorCode.PROVIDER_UNAVAILABLE
    assert (await connection.sync(interactive=False)).last == Done()


def started(login: str) -> AsyncIterator[Message]:
    connection = Connection(login)
    return create(0.0).start(connection.context(), connection.request())


async def collect(messages: AsyncIterator[Message], into: list[Message]) -> None:
    async for message in messages:
        into.append(message)
