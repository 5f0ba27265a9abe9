"""Provider 999."""

from datetime import timedelta
from decimal import Decimal

import pytest

from afflux.connectors.base import Operation
from afflux.connectors.sandbox.memory import Memory
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import AccountsListed, Checkpoint, Done, Hint
from afflux.domain.records import AccountRecord, AccountType, TransactionType

from .driver import START, Connection, Run, typed

RIGHT = typed(sms="1234")


def bank() -> Connection:
    return Connection("123456789", provider=999)


async def test_the_first_sync_stops_at_the_sms_and_the_right_code_finishes_it() -> None:
    connection = bank()
    asked = (await connection.sync()).park.challenge
    assert (asked.name, asked.fields[0].name) == ("sms", "sms")
    assert asked.expires_at == START + timedelta(minutes=5)
    assert (await bank().sync(RIGHT)).last == Done()


async def test_a_wrong_code_is_rejected() -> None:
    assert (await bank().sync(typed(sms="4321"))).failure.code is SyncErrorCode.CHALLENGE_REJECTED


async def test_an_empty_answer_is_rejected() -> None:
    assert (await bank().sync(typed())).failure.code is SyncErrorCode.CHALLENGE_REJECTED


async def test_a_code_that_comes_after_five_minutes_has_expired() -> None:
    connection = bank()
    park = (await connection.sync()).park
    run = await connection.later(minutes=5).answer(park, RIGHT)
    assert run.failure.code is SyncErrorCode.CHALLENGE_EXPIRED


async def test_any_other_password_is_refused_before_a_code_is_sent() -> None:
    connection = bank()
    connection.password = "654321"
    assert (await connection.sync()).failure.code is SyncErrorCode.CREDENTIALS_INVALID
    assert sent(connection) == 0


async def test_the_books_hold_a_current_account_and_the_card_that_is_settled_from_it() -> None:
    run = await bank().sync(RIGHT)
    current, card = run.of(AccountRecord)
    assert (current.type, current.balance, current.currency) == (AccountType.CURRENT, Decimal(1000), "EUR")
    assert current.bban is not None
    assert len(current.bban) == 21
    assert current.bban[-11:] == current.number
    assert card.type is AccountType.DEFERRED_CARD
    assert (card.balance, card.bban, card.parent_key) == (None, None, current.key)
    assert card.number[:10] == "x" * 10
    assert card.number[10:].isdigit()
    assert len(card.number) == 16
    assert run.of(AccountsListed)


async def test_six_movements_of_one_day_are_fees_fuel_and_four_cheques() -> None:
    rows = (await bank().sync(RIGHT)).rows
    assert {row.account_key for row in rows} == {"current"}
    assert len({row.day for row in rows}) == 1
    types = [row.type for row in rows]
    assert types == [TransactionType.FEE, TransactionType.CARD, *[TransactionType.CHECK] * 4]
    assert all(row.amount < 0 for row in rows)


async def test_for_ninety_days_no_further_code_is_asked_even_of_the_absent() -> None:
    connection = bank()
    run = await connection.sync(RIGHT)
    assert run.of(Hint)[0].consent_expires_at == START + timedelta(days=90)
    again = await connection.later(days=89).sync(interactive=False)
    assert again.last == Done()


async def test_after_ninety_days_the_code_is_asked_again() -> None:
    connection = bank()
    await connection.sync(RIGHT)
    asked = await connection.later(days=90).sync()
    assert asked.park.challenge.name == "sms"
    assert (await connection.answer(asked.park, RIGHT)).last == Done()
    assert (await connection.later(days=89).sync()).last == Done()


@pytest.mark.parametrize("days", [0, 90])
async def test_nothing_is_sent_while_the_person_is_away(days: int) -> None:
    connection = bank()
    if days:
        await connection.sync(RIGHT)
    before = sent(connection)
    run = await connection.later(days=days).sync(interactive=False)
    assert run.failure.code is SyncErrorCode.USER_PRESENCE_REQUIRED
    assert sent(connection) == before


async def test_each_code_that_is_sent_is_counted() -> None:
    connection = bank()
    await connection.sync()
    await connection.sync()
    assert sent(connection) == 2


async def test_withdrawn_consent_brings_the_code_back() -> None:
    connection = bank()
    await connection.sync(RIGHT)
    assert (await connection.run(Operation.REVOKE)).last == Done()
    assert (await connection.sync()).park.challenge.name == "sms"


async def test_a_check_logs_in_and_a_discovery_lists_accounts_without_history() -> None:
    connection = bank()
    checked = await connection.run(Operation.CHECK, RIGHT)
    assert (checked.accounts, checked.last) == ({}, Done())
    found = await connection.run(Operation.DISCOVER)
    assert (len(found.accounts), found.rows, found.last) == (2, [], Done())


async def test_a_later_sync_declares_an_overlapping_window_and_gives_the_same_rows() -> None:
    connection = bank()
    first = await connection.sync(RIGHT)
    second = await connection.later(days=10).sync()
    assert second.rows == first.rows
    assert window(first) == (START.date() - timedelta(days=730), START.date())
    assert window(second) == (START.date() - timedelta(days=30), connection.now.date())


def window(run: Run) -> tuple[object, object]:
    checkpoint = run.of(Checkpoint)[0]
    return checkpoint.complete_from, checkpoint.complete_to


def sent(connection: Connection) -> int:
    return Memory.load(connection.state, connection.now).sent
