"""The invented household and the large bank."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afflux.connectors.sandbox.books import HISTORY_DAYS, Scene
from afflux.connectors.sandbox.bulk import bulk
from afflux.connectors.sandbox.connector import create
from afflux.connectors.sandbox.draws import Draws
from afflux.connectors.sandbox.french import identity
from afflux.connectors.sandbox.ledger import household
from afflux.connectors.sandbox.stamp import Stamp
from afflux.domain.catalogue import Limits
from afflux.domain.messages import Checkpoint, Done, Progress
from afflux.domain.records import TransactionRecord, TransactionType

from .driver import START, Connection

TODAY = START.date()


def scene(login: str = "alix", today: date = TODAY) -> Scene:
    return Scene(f"1000:{login}", TODAY, today, 1)


@given(
    st.text(max_size=8),
    st.dates(date(2020, 1, 1), date(2035, 1, 1)),
    st.integers(0, 45),
)
@settings(max_examples=25, deadline=None)
def test_between_two_days_a_balance_changes_by_what_was_booked(login: str, day: date, days: int) -> None:
    later = day + timedelta(days=days)
    for before, after in zip(household(scene(login, day)), household(scene(login, later)), strict=True):
        booked = sum((row.amount for row in after.rows(day + timedelta(days=1), later)), Decimal(0))
        if before.account.balance is not None and after.account.balance is not None:
            assert after.account.balance - before.account.balance == booked


def test_a_window_reads_the_same_whenever_one_looks() -> None:
    window = (TODAY - timedelta(days=60), TODAY - timedelta(days=5))
    for now, then in zip(household(scene()), household(scene(today=TODAY + timedelta(days=300))), strict=True):
        assert list(now.rows(*window)) == list(then.rows(*window))


def test_nothing_is_known_of_tomorrow() -> None:
    rows = household(scene())[0].rows(TODAY, TODAY + timedelta(days=40))
    assert all(row.day <= TODAY for row in rows)


def test_the_same_login_reads_the_same_on_every_machine() -> None:
    account = household(scene())[0].account
    assert (account.iban, str(account.balance)) == ("FR7699901000425688599839176", "2246.87")


def test_another_login_has_other_books() -> None:
    assert household(scene("alix"))[0].account.iban != household(scene("noe"))[0].account.iban


def test_the_card_is_settled_from_the_current_account_to_the_cent() -> None:
    current, card, _ = household(scene(today=date(2026, 6, 30)))
    first, last = date(2026, 5, 1), date(2026, 5, 31)
    settled = [row for row in current.rows(first, last) if row.text == "DEBIT MENSUEL CARTE 05/2026"]
    assert settled[0].amount == sum(row.amount for row in card.rows(first, last))
    assert {row.settlement_month for row in card.rows(first, last)} == {"2026-05"}


def test_a_year_holds_every_kind_of_movement_people_know() -> None:
    books = household(scene())
    types = {row.type for book in books for row in book.rows(TODAY - timedelta(days=365), TODAY)}
    assert types == set(TransactionType) - {TransactionType.DEPOSIT, TransactionType.OTHER}


def test_keys_are_unique_within_an_account() -> None:
    for book in household(scene()):
        keys = [row.key for row in book.rows(TODAY - timedelta(days=HISTORY_DAYS), TODAY)]
        assert len(keys) == len(set(keys))


def test_amounts_have_two_decimals() -> None:
    for book in household(scene()):
        for row in book.rows(TODAY - timedelta(days=100), TODAY):
            assert row.amount.as_tuple().exponent == -2


@given(st.text())
def test_account_numbers_pass_their_checks(word: str) -> None:
    written = identity(word)
    rearranged = written.iban[4:] + "1527" + written.iban[2:4]
    assert int(rearranged) % 97 == 1
    key = int(written.iban[-2:])
    bank, branch = int(written.bban[:5]), int(written.bban[5:10])
    assert (89 * bank + 15 * branch + 3 * int(written.number) + key) % 97 == 0


def test_drawing_further_does_not_change_what_was_drawn() -> None:
    draws = Draws("word")
    numbers = [draws.below(10**6) for _ in range(500)]
    again = Draws("word")
    assert [again.below(10**6) for _ in range(500)] == numbers
    assert len(set(numbers)) > 490


def test_a_stamped_record_equals_a_constructed_one() -> None:
    template = TransactionRecord(account_key="a", amount=Decimal(1), currency="EUR")
    stamped = Stamp(template, "key", "booking_date")("k", TODAY)
    built = TransactionRecord(account_key="a", amount=Decimal(1), currency="EUR", key="k", booking_date=TODAY)
    assert stamped == built
    assert repr(stamped) == repr(built)


@pytest.mark.parametrize("movements", [1, 20, 365, 1000, 7777])
def test_a_large_bank_has_exactly_as_many_movements_as_asked(movements: int) -> None:
    book = bulk(1, movements)(scene())[0]
    rows = list(book.rows(TODAY - timedelta(days=HISTORY_DAYS), TODAY))
    assert len({row.key for row in rows}) == len(rows) == movements
    assert all(one.day <= two.day for one, two in pairwise(rows))


async def test_a_large_history_comes_whole_in_each_sync() -> None:
    connection = Connection("history-25000")
    first = await connection.sync()
    second = await connection.later(days=30).sync()
    assert len(first.rows) == 25_000
    assert first.rows == second.rows
    assert second.of(Checkpoint)[0].complete_from == connection.now.date() - timedelta(days=HISTORY_DAYS)


async def test_many_accounts_have_their_own_history() -> None:
    run = await Connection("accounts-50+history-30").sync()
    assert len(run.accounts) == len({account.iban for account in run.accounts.values()}) == 50
    assert len(run.rows) == 1500
    assert len(run.of(Checkpoint)) == 50


async def test_many_accounts_are_fetched_side_by_side() -> None:
    connection = Connection("accounts-50")
    async with asyncio.timeout(3):  # one after the other would take more than five seconds
        messages = [m async for m in create(0.1).start(connection.context(), connection.request())]
    assert messages[-1] == Done()


@pytest.mark.parametrize("login", ["alix", "accounts-50", "history-25000", "documents", "empty"])
async def test_progress_only_grows_and_ends_at_a_hundred(login: str) -> None:
    percents = [progress.percent for progress in (await Connection(login).sync()).of(Progress)]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)


def test_the_channels_ask_for_as_much_history_as_there_is() -> None:
    assert Limits().history_days == HISTORY_DAYS
