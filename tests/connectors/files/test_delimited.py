"""CSV with a mapping."""

import json
from datetime import date
from decimal import Decimal

import pytest

from afflux.domain.records import KeyQuality, TransactionStatus, TransactionType
from tests.connectors.files.reading import read

CSV = "Date;Amount;Text\n2026-01-31;-12.50;Coffee\n2026-01-30;1000.00;Pay\n"
COLUMNS = {"booking_date": "Date", "amount": "Amount", "text": "Text"}


def _mapping(columns: dict | None = None, **more: object) -> str:
    return json.dumps({"account": "4711", "currency": "EUR", "columns": columns or COLUMNS} | more)


async def test_columns_are_found_by_their_header() -> None:
    outcome = await read(CSV, _mapping())
    assert outcome.format == "csv"
    assert [(one.booking_date, one.amount, one.text) for one in outcome.transactions] == [
        (date(2026, 1, 31), Decimal("-12.50"), "Coffee"),
        (date(2026, 1, 30), Decimal("1000.00"), "Pay"),
    ]
    assert [(one.key, one.currency) for one in outcome.accounts] == [("4711", "EUR")]
    assert outcome.transactions[0].raw == "2026-01-31;-12.50;Coffee"


async def test_columns_are_found_by_their_number_in_a_file_without_header() -> None:
    columns = {"booking_date": 0, "amount": 1, "text": [2, 0]}
    outcome = await read(CSV.split("\n", 1)[1], _mapping(columns, header=False))
    assert [one.text for one in outcome.transactions] == ["Coffee 2026-01-31", "Pay 2026-01-30"]


async def test_a_french_export_with_its_own_marks_is_read() -> None:
    text = (
        "Compte 4711\n\nDate;Débit;Crédit;Libellé\n31/01/2026;1 234,56;;LOYER\n30/01/2026;;2 000,00;SALAIRE\nTotal;;;\n"
    )
    columns = {"booking_date": "Date", "debit": "Débit", "credit": "Crédit", "text": "Libellé"}
    outcome = await read(text.encode("cp1252"), _mapping(columns, skip_rows=2, skip_end=1))
    assert [(one.amount, one.text) for one in outcome.transactions] == [
        (Decimal("-1234.56"), "LOYER"),
        (Decimal("2000.00"), "SALAIRE"),
    ]


async def test_a_sign_column_decides_between_debit_and_credit() -> None:
    text = 'D,A,S\n20260131,"1.234,56",Af\n20260130,"5,00",Bij\n'
    columns = {"booking_date": "D", "amount": "A", "sign": "S"}
    outcome = await read(text, _mapping(columns))
    assert [one.amount for one in outcome.transactions] == [Decimal("-1234.56"), Decimal("5.00")]


async def test_a_card_export_with_positive_expenses_is_turned() -> None:
    assert (await read(CSV, _mapping(invert=True))).transactions[0].amount == Decimal("12.50")


@pytest.mark.parametrize(
    ("written", "amount"),
    [("(12.50)", "-12.50"), ("12.50-", "-12.50"), ("−12.50", "-12.50"), ("€ 12.50", "12.50"), ("1'234.50", "1234.50")],
)
async def test_amounts_are_read_as_people_write_them(written: str, amount: str) -> None:
    outcome = await read(CSV.replace("-12.50", written), _mapping())
    assert outcome.transactions[0].amount == Decimal(amount)


async def test_every_role_reaches_its_field() -> None:
    columns = {
        **{"value_date": "V", "transaction_date": "T", "amount": "A", "currency": "C", "account": "K", "id": "I"},
        **{"counterparty": "N", "counterparty_account": "O", "status": "S", "type": "Y", "check_number": "Q"},
        **{"original_amount": "OA", "original_currency": "OC", "balance": "B", "references": {"end_to_end": "E"}},
    }
    head = "V,T,A,C,K,I,N,O,S,Y,Q,OA,OC,B,E"
    row = (
        "2026-01-31,2026-01-30,-10.00,EUR,DE89370400440532013000,X1,Bob,NL91 ABNA 0417 1643 00,"
        "pending,card,7,11.00,USD,90.00,E2E"
    )
    outcome = await read(f"{head}\n{row}\n", json.dumps({"columns": columns}))
    (record,), (account,) = outcome.transactions, outcome.accounts
    assert (account.iban, account.balance) == ("DE89370400440532013000", Decimal("90.00"))
    assert (record.key, record.key_quality, record.status) == ("X1", KeyQuality.PROVIDER, TransactionStatus.PENDING)
    assert (record.value_date, record.transaction_date) == (date(2026, 1, 31), date(2026, 1, 30))
    assert (record.counterparty, record.counterparty_account) == ("Bob", "NL91ABNA0417164300")
    assert (record.original_amount, record.original_currency) == (Decimal("-11.00"), "USD")
    assert (record.type, record.check_number, record.references) == (TransactionType.CARD, "7", {"end_to_end": "E2E"})


async def test_the_balance_is_that_of_the_newest_row() -> None:
    columns = COLUMNS | {"balance": "Balance"}
    text = "Date;Amount;Text;Balance\n2026-01-31;-1.00;b;9.00\n2026-01-30;10.00;a;10.00\n"
    assert (await read(text, _mapping(columns))).accounts[0].balance == Decimal("9.00")


async def test_quoted_cells_may_hold_separators_and_line_ends() -> None:
    text = 'Date;Amount;Text\n2026-01-31;1.00;"a; b\nc"\n2026-01-30;x;d\n'
    assert "line 4, amount" in (await read(text, _mapping())).failure
    assert (await read(text.replace(";x;", ";2.00;"), _mapping())).transactions[0].text == "a; b c"


async def test_csv_without_a_mapping_asks_for_one() -> None:
    assert "mapping" in (await read(CSV)).failure


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"colums": {}}, '"colums" is not known'),
        ({"columns": {"amount": "Amount", "datum": "Date"}}, '"datum" is not known'),
        ({"columns": {"amount": "Amount"}}, "booking_date"),
        ({"columns": {"booking_date": "Date"}}, "amount"),
        ({"columns": COLUMNS | {"amount": "Betrag"}}, '"Betrag"'),
        ({"columns": COLUMNS | {"amount": True}}, '"amount"'),
        ({"account": None}, '"account"'),
        ({"currency": None}, '"currency"'),
        ({"currency": "Euro"}, "currency"),
        ({"decimal_mark": ";"}, "decimal_mark"),
        ({"delimiter": "::"}, "delimiter"),
        ({"encoding": "klingon"}, "klingon"),
        ({"skip_rows": -1}, "skip_rows"),
        ({"date_format": "%d.%m.%Y"}, "line 2, booking_date"),
        ({"date_format": "soon"}, "date_format"),
        ({"decimal_mark": ","}, "line 2, amount"),
    ],
)
async def test_a_mistake_in_the_mapping_is_named(change: dict, named: str) -> None:
    assert named in (await read(CSV, _mapping(**change))).failure


@pytest.mark.parametrize(
    "mapping", ["{", "[]", '"x"', '{"account": "\\ud800"}', '{"account": "a\\u0000"}', "[" * 100_000]
)
async def test_a_mapping_that_is_no_json_object_is_refused(mapping: str) -> None:
    assert "Mapping" in (await read(CSV, mapping)).failure
