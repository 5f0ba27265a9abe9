"""What happens to the books of a sandbox bank from day to day."""

from datetime import timedelta
from decimal import Decimal

import pytest

from afflux.domain.messages import Removed
from afflux.domain.records import KeyQuality, TransactionRecord, TransactionStatus

from .driver import START, Connection, on_days

PENDING = {
    "pending": set[str](),
    "pending-id": {"key"},
    "pending-date": {"transaction_date"},
    "pending-text": {"text"},
    "pending-amount": {"amount"},
    "pending-all": {"key", "transaction_date", "text", "amount"},
}
COMPARED = ("key", "transaction_date", "text", "amount")


async def only_row(login: str, day: int) -> TransactionRecord:
    row, *more = (await on_days(f"quiet+{login}", [0, day]))[1].rows
    assert more == []
    return row


@pytest.mark.parametrize("login", PENDING)
async def test_an_announced_purchase_is_booked_on_day_two_with_these_changes(login: str) -> None:
    announced, booked = await only_row(login, 1), await only_row(login, 2)
    assert announced.status is TransactionStatus.PENDING
    assert booked.status is TransactionStatus.BOOKED
    changed = {name for name in COMPARED if getattr(announced, name) != getattr(booked, name)}
    assert changed == PENDING[login]


@pytest.mark.parametrize("login", ["pending-date", "pending-all"])
async def test_a_changed_date_is_two_days_later(login: str) -> None:
    announced, booked = await only_row(login, 0), await only_row(login, 5)
    assert booked.day - announced.day == timedelta(days=2)


async def test_what_was_booked_moves_the_balance_and_what_is_announced_does_not() -> None:
    before, after = await on_days("quiet+pending-amount", [0, 2])
    assert before.accounts["current"].balance == Decimal("1000.00")
    assert after.accounts["current"].balance == Decimal("882.65")


async def test_an_announced_purchase_may_never_be_booked() -> None:
    before, after = await on_days("quiet+pending-gone", [0, 2])
    assert [row.status for row in before.rows] == [TransactionStatus.PENDING]
    assert after.rows == []


async def test_two_purchases_may_be_alike_in_all_but_the_key() -> None:
    one, two = (await Connection("quiet+twins").sync()).rows
    assert one.key != two.key
    assert (one.day, one.text, one.amount) == (two.day, two.text, two.amount)


async def test_two_purchases_may_be_alike_in_everything() -> None:
    one, two = (await Connection("quiet+twins+no-keys").sync()).rows
    assert one == two


async def test_a_booked_row_may_be_withdrawn_in_silence() -> None:
    before, after = await on_days("quiet+withdrawn", [0, 2])
    assert (len(before.rows), len(after.rows)) == (1, 0)
    assert after.of(Removed) == []


async def test_a_booked_row_may_be_declared_removed() -> None:
    before, after = await on_days("quiet+removed", [0, 2])
    assert after.of(Removed) == [Removed("current", before.rows[0].key or "")]


async def test_a_late_row_is_dated_before_the_first_sync_and_lies_in_the_overlap() -> None:
    before, after = await on_days("quiet+late", [0, 2])
    assert before.rows == []
    assert after.rows[0].day == START.date() - timedelta(days=10)


async def test_a_text_may_be_corrected() -> None:
    before, after = await on_days("quiet+corrected", [0, 2])
    assert before.rows[0].key == after.rows[0].key
    assert before.rows[0].text != after.rows[0].text


async def test_a_purchase_abroad_has_an_amount_in_dollars() -> None:
    row = (await Connection("foreign").sync()).row("HARBOR DINER")
    assert (row.original_amount, row.original_currency) == (Decimal("-50.00"), "USD")
    assert row.currency == "EUR"


async def test_a_repeated_row_comes_twice_under_one_key() -> None:
    one, two = (await Connection("quiet+repeated").sync()).rows
    assert one == two
    assert one.key is not None


async def test_a_renumbered_account_keeps_its_rows_and_its_card() -> None:
    before, after = await on_days("renumbered", [0, 2])
    old, new = before.accounts["current"], after.accounts["current-2"]
    assert "current" not in after.accounts
    assert old.iban != new.iban
    assert old.name == new.name
    assert after.accounts["card"].parent_key == "current-2"
    window = after.rows[0].day
    assert {row.key for row in before.rows if row.account_key == "current" and row.day >= window} == {
        row.key for row in after.rows if row.account_key == "current-2" and row.day <= START.date()
    }


async def test_an_account_may_change_its_key_alone() -> None:
    before, after = await on_days("rekeyed", [0, 2])
    assert before.accounts["current"].iban == after.accounts["current-2"].iban


async def test_an_account_may_be_closed() -> None:
    before, after = await on_days("closed", [0, 2])
    assert not before.accounts["savings"].closed
    assert after.accounts["savings"].closed


async def test_an_account_may_vanish_and_another_be_opened() -> None:
    _, vanished = await on_days("vanished", [0, 2])
    _, opened = await on_days("opened", [0, 2])
    assert list(vanished.accounts) == ["current", "card"]
    assert list(opened.accounts) == ["current", "card", "savings", "opened"]


async def test_a_bank_may_list_nothing() -> None:
    assert (await Connection("empty").sync()).accounts == {}


async def test_rows_may_have_no_keys() -> None:
    rows = (await Connection("no-keys").sync()).rows
    assert {(row.key, row.key_quality) for row in rows} == {(None, KeyQuality.POSITIONAL)}


async def test_keys_may_differ_in_each_sync_but_not_in_a_repeated_try() -> None:
    connection = Connection("unstable-keys")
    tried = await connection.messages()
    first, second = await connection.sync(), await connection.sync()
    keys = {row.key for row in first.rows}
    assert keys == {row.key for row in tried if isinstance(row, TransactionRecord)}
    assert keys.isdisjoint(row.key for row in second.rows)


async def test_a_key_may_be_a_place_in_the_list() -> None:
    rows = [row for row in (await Connection("positional-keys").sync()).rows if row.account_key == "savings"]
    assert [row.key for row in rows] == [str(place) for place in range(1, len(rows) + 1)]
    assert {row.key_quality for row in rows} == {KeyQuality.POSITIONAL}
