"""QIF: date orders, decimal marks, accounts, cheques, splits."""

from datetime import date
from decimal import Decimal

import pytest

from afflux.domain.records import AccountType, KeyQuality, TransactionType
from tests.connectors.files.reading import read

SAID = '{"account": "4711", "currency": "EUR"}'


def _qif(*records: str, header: str = "!Type:Bank") -> str:
    return header + "\n" + "".join(f"{record}\n^\n" for record in records)


async def _days(*written: str) -> list[date]:
    outcome = await read(_qif(*(f"D{day}\nT1.00" for day in written)), SAID)
    return [record.booking_date for record in outcome.transactions]


async def test_a_record_keeps_payee_memo_number_and_its_lines() -> None:
    outcome = await read(_qif("D31/01/2026\nT-1,234.56\nN101\nPShop\nMCoffee\nCX\nLFood"), SAID)
    (record,) = outcome.transactions
    assert outcome.format == "qif"
    assert (record.amount, record.currency, record.booking_date) == (Decimal("-1234.56"), "EUR", date(2026, 1, 31))
    assert (record.text, record.counterparty, record.check_number) == ("Shop Coffee", "Shop", "101")
    assert (record.type, record.key, record.key_quality) == (TransactionType.CHECK, None, KeyQuality.DERIVED)
    assert record.raw == "D31/01/2026\nT-1,234.56\nN101\nPShop\nMCoffee\nCX\nLFood"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("31/01/2026", date(2026, 1, 31)),
        ("01/31/2026", date(2026, 1, 31)),
        ("1/31'05", date(2005, 1, 31)),
        ("1/ 2'05", date(2005, 1, 2)),
        ("31.1.26", date(2026, 1, 31)),
        ("2.1.2026", date(2026, 1, 2)),
        ("2026-01-02", date(2026, 1, 2)),
        ("31-01-99", date(1999, 1, 31)),
        ("3/3/2026", date(2026, 3, 3)),
    ],
)
async def test_every_style_of_date_is_read(written: str, expected: date) -> None:
    assert await _days(written) == [expected]


async def test_one_day_above_twelve_decides_for_the_whole_file() -> None:
    assert await _days("02/03/2026", "13/03/2026") == [date(2026, 3, 2), date(2026, 3, 13)]
    assert await _days("02/03/2026", "03/13/2026") == [date(2026, 2, 3), date(2026, 3, 13)]


async def test_the_order_of_the_rows_decides_where_the_days_do_not() -> None:
    assert await _days("01/02/2026", "02/02/2026", "01/03/2026") == [
        date(2026, 2, 1),
        date(2026, 2, 2),
        date(2026, 3, 1),
    ]


async def test_a_date_that_nothing_decides_is_refused_and_the_mapping_decides_it() -> None:
    text = _qif("D02/03/2026\nT1.00")
    assert "date_format" in (await read(text, SAID)).failure
    american = await read(text, '{"account": "4711", "currency": "USD", "date_format": "MM/DD/YYYY"}')
    assert american.transactions[0].booking_date == date(2026, 2, 3)


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (["1,234.56", "1,000"], ["1234.56", "1000"]),
        (["1.234,56", "1.000"], ["1234.56", "1000"]),
        (["-12,5", "3,00"], ["-12.5", "3.00"]),
        (["1000", "-7"], ["1000", "-7"]),
    ],
)
async def test_the_decimal_mark_is_that_of_the_whole_file(amounts: list[str], expected: list[str]) -> None:
    outcome = await read(_qif(*(f"D31/01/2026\nT{amount}" for amount in amounts)), SAID)
    assert [record.amount for record in outcome.transactions] == [Decimal(one) for one in expected]


async def test_a_card_section_is_a_card_account() -> None:
    (account,) = (await read(_qif("D31/01/2026\nT-5.00", header="!Type:CCard"), SAID)).accounts
    assert (account.key, account.type) == ("4711", AccountType.CARD)


async def test_a_file_that_names_no_account_or_currency_is_read_and_said_so() -> None:
    outcome = await read(_qif("D31/01/2026\nT-5.00"))
    (account,) = outcome.accounts
    assert (account.key, account.key_quality, account.currency) == ("qif/bank", KeyQuality.POSITIONAL, "XXX")
    assert outcome.warnings == ["currency_unknown", "account_unknown"]


async def test_account_records_name_the_sections_behind_them() -> None:
    text = (
        "!Option:AutoSwitch\n!Account\nNGiro\nTBank\n^\n!Type:Bank\nD31/01/2026\nT1.00\n^\n!Account\nNCard\nTCCard\n^\n"
    )
    outcome = await read(text + "!Type:CCard\nD30/01/2026\nT-2.00\n^\n!Type:Cat\nNFood\nE\n^\n", '{"currency": "EUR"}')
    assert [(one.key, one.type) for one in outcome.accounts] == [
        ("Giro", AccountType.CURRENT),
        ("Card", AccountType.CARD),
    ]
    assert [(one.account_key, one.amount) for one in outcome.transactions] == [("Giro", 1), ("Card", -2)]
    assert outcome.warnings == []


async def test_splits_stay_one_movement() -> None:
    outcome = await read(_qif("D31/01/2026\nT-30.00\nPShop\nSFood\n$-10.00\nSHome\n$-20.00"), SAID)
    assert outcome.total == Decimal("-30.00")
    assert "SHome" in outcome.transactions[0].raw


async def test_investments_are_said_to_be_left_out() -> None:
    text = _qif("D31/01/2026\nT1.00") + "!Type:Invst\nD31/01/2026\nNBuy\nYACME\n^\n"
    outcome = await read(text, SAID)
    assert (len(outcome.transactions), outcome.warnings) == (1, ["skipped"])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("!Type:Bank\nD31/01/2026\nPNo amount\n^\n", "line 2"),
        ("!Type:Bank\nD31/01/2026\nT1.00\n", "cut off"),
        ("!Type:Bank\nD31/02/2026\nT1.00\n^\n", "line 2, field D"),
        ("!Type:Bank\nD31/01/2026\nTNaN\n^\n", "line 2, field T"),
        ("!Type:Invst\nD31/01/2026\n^\n", "no bank"),
    ],
)
async def test_what_is_wrong_is_named_with_its_line(text: str, named: str) -> None:
    assert named in (await read(text, SAID)).failure


@pytest.mark.parametrize("before", ["# exported by hand\n\n", "^\n", "### one\n### two\n", "!Clear:AutoSwitch\n"])
async def test_remarks_before_the_first_header_are_no_records(before: str) -> None:
    outcome = await read(f"{before}!Type:Bank\nD31/01/2026\nT-1.50\nPShop\n^\n")
    assert (outcome.format, outcome.total) == ("qif", Decimal("-1.50"))


async def test_an_error_behind_remarks_names_the_line_of_the_file() -> None:
    assert "line 4" in (await read("# one\n# two\n!Type:Bank\nD31/01/2026\nTten\n^\n")).failure
