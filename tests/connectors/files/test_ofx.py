"""OFX 1 and 2: markup with and without closing tags, accounts, dates, amounts."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from afflux.domain.messages import Removed
from afflux.domain.records import AccountType, Balance, KeyQuality, TransactionStatus, TransactionType
from tests.connectors.files.reading import read, read_sample

HEADER = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"
ACCOUNT = "<BANKACCTFROM><BANKID>123<ACCTID>4711<ACCTTYPE>CHECKING</BANKACCTFROM>"
ENTRY = "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260131<TRNAMT>-10.00<FITID>F1<NAME>Shop<MEMO>Coffee</STMTTRN>"


def _ofx(entries: str = ENTRY, *, account: str = ACCOUNT, rest: str = "", header: str = HEADER) -> str:
    listed = f"<BANKTRANLIST><DTSTART>20260101<DTEND>20260131{entries}</BANKTRANLIST>"
    body = f"<STMTTRNRS><TRNUID>0<STMTRS><CURDEF>EUR{account}{listed}{rest}</STMTRS></STMTTRNRS>"
    return f"{header}<OFX><SIGNONMSGSRSV1></SIGNONMSGSRSV1><BANKMSGSRSV1>{body}</BANKMSGSRSV1></OFX>"


async def _one(entry: str):
    (record,) = (await read(_ofx(entry))).transactions
    return record


async def test_values_without_closing_tags_are_read() -> None:
    record = await _one(ENTRY)
    assert (record.key, record.key_quality, record.amount) == ("F1", KeyQuality.PROVIDER, Decimal("-10.00"))
    assert (record.counterparty, record.text, record.booking_date) == ("Shop", "Shop Coffee", date(2026, 1, 31))
    assert record.raw == ENTRY


async def test_empty_values_without_closing_tags_swallow_nothing() -> None:
    record = await _one(ENTRY.replace("<NAME>Shop", "<CHECKNUM><NAME><PAYEE2>"))
    assert (record.text, record.counterparty, record.check_number) == ("Coffee", None, None)


async def test_xml_style_reads_the_same_as_sgml() -> None:
    closed = (
        "<STMTTRN><TRNTYPE>DEBIT</TRNTYPE><DTPOSTED>20260131</DTPOSTED><TRNAMT>-10.00</TRNAMT><FITID>F1</FITID>"
        "<NAME>Shop</NAME><MEMO>Coffee</MEMO><CHECKNUM></CHECKNUM><REFNUM/></STMTTRN>"
    )
    header = '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="211"?>\n'
    one, two = await read(_ofx()), await read(_ofx(closed, header=header))
    assert (one.format, two.format) == ("ofx1", "ofx2")
    assert one.transactions[0].text == two.transactions[0].text
    assert one.total == two.total


async def test_a_quicken_bank_number_changes_nothing() -> None:
    text = _ofx().replace("<SIGNONMSGSRSV1>", "<SIGNONMSGSRSV1><INTU.BID>3000<INTU.USERID>x")
    assert (await read(text)).total == Decimal("-10.00")


async def test_entities_and_cdata_become_plain_text() -> None:
    record = await _one(ENTRY.replace("Shop", "A &amp; B").replace("Coffee", "<![CDATA[tea & <milk>]]>"))
    assert record.text == "A & B tea & <milk>"


async def test_a_memo_that_repeats_the_cut_name_is_not_said_twice() -> None:
    assert (await _one(ENTRY.replace("Shop", "Rent for Janu").replace("Coffee", "Rent for January"))).text == (
        "Rent for January"
    )


@pytest.mark.parametrize(
    ("written", "amount"),
    [("-16.85", "-16.85"), ("-16,85", "-16.85"), ("+1,234.56", "1234.56"), ("1.234,56", "1234.56"), (" 5 ", "5")],
)
async def test_both_decimal_marks_are_read_exactly(written: str, amount: str) -> None:
    assert (await _one(ENTRY.replace("-10.00", written))).amount == Decimal(amount)


@pytest.mark.parametrize(
    "written", ["20260131", "20260131120000", "20260131235959.000[-5:EST]", "20260131000000[+9:JST]"]
)
async def test_a_movement_counts_on_the_day_the_bank_prints(written: str) -> None:
    assert (await _one(ENTRY.replace("20260131", written))).booking_date == date(2026, 1, 31)


async def test_the_balance_is_true_at_its_moment_in_utc() -> None:
    ledger = "<LEDGERBAL><BALAMT>5.50<DTASOF>20260131220000[-5:EST]</LEDGERBAL>"
    rest = f"{ledger}<AVAILBAL><BALAMT>4<DTASOF>20260131</AVAILBAL>"
    (account,) = (await read(_ofx(rest=rest))).accounts
    assert (account.balance, account.balance_at) == (Decimal("5.50"), datetime(2026, 2, 1, 3, 0, tzinfo=UTC))
    assert [(one.kind, one.amount) for one in account.balances] == [
        ("booked", Decimal("5.50")),
        ("available", Decimal("4")),
    ]


async def test_an_empty_balance_is_no_balance() -> None:
    (account,) = (await read(_ofx(rest="<LEDGERBAL><BALAMT><DTASOF></LEDGERBAL>"))).accounts
    assert (account.balance, account.balance_at) == (None, None)


async def test_user_and_available_dates_are_the_transaction_and_value_date() -> None:
    record = await _one(ENTRY.replace("<TRNAMT>", "<DTUSER>20260129<DTAVAIL>20260202<TRNAMT>"))
    assert (record.transaction_date, record.value_date) == (date(2026, 1, 29), date(2026, 2, 2))


async def test_cheque_and_reference_numbers_are_kept() -> None:
    record = await _one(ENTRY.replace("<NAME>", "<CHECKNUM>0319<REFNUM>R-9<NAME>").replace("DEBIT", "CHECK"))
    assert (record.check_number, record.references, record.type) == (
        "0319",
        {"fitid": "F1", "bank": "R-9"},
        TransactionType.CHECK,
    )


async def test_a_foreign_currency_is_the_currency_of_the_amount_or_of_the_purchase() -> None:
    foreign = await _one(ENTRY.replace("<MEMO>", "<CURRENCY><CURRATE>1.1<CURSYM>USD</CURRENCY><MEMO>"))
    bought = await _one(ENTRY.replace("<MEMO>", "<ORIGCURRENCY><CURRATE>1.1<CURSYM>USD</ORIGCURRENCY><MEMO>"))
    assert (foreign.currency, foreign.original_currency) == ("USD", None)
    assert (bought.currency, bought.original_currency) == ("EUR", "USD")


async def test_pending_rows_of_ofx_2_are_pending() -> None:
    row = "<STMTTRNP><TRNTYPE>POS<DTTRAN>20260130<TRNAMT>-3<NAME>Bar</STMTTRNP>"
    outcome = await read(_ofx(rest=f"<BANKTRANLISTP><DTASOF>20260131{row}</BANKTRANLISTP>"))
    assert [one.status for one in outcome.transactions] == [TransactionStatus.BOOKED, TransactionStatus.PENDING]


@pytest.mark.parametrize(("action", "amounts"), [("REPLACE", [Decimal("-9.00")]), ("DELETE", [])])
async def test_a_correction_takes_back_the_transaction_it_names(action: str, amounts: list[Decimal]) -> None:
    entry = ENTRY.replace("F1", f"F2<CORRECTFITID>F1<CORRECTACTION>{action}").replace("-10.00", "-9.00")
    outcome = await read(_ofx(entry))
    assert outcome.only(Removed) == [Removed("123/4711", "F1")]
    assert [one.amount for one in outcome.transactions] == amounts


async def test_attributes_on_the_root_do_not_hide_it() -> None:
    header = '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="211"?>\n'
    assert (await read(_ofx(header=header).replace("<OFX>", '<OFX xmlns:xsi="x">'))).total == Decimal("-10.00")


async def test_a_card_statement_is_a_card_account_with_a_masked_number() -> None:
    text = _ofx(account="<CCACCTFROM><ACCTID>4111111111111111</CCACCTFROM>").replace("STMTRS", "CCSTMTRS")
    (account,) = (await read(text)).accounts
    assert (account.type, account.number) == (AccountType.CARD, "************1111")


async def test_bank_branch_and_number_make_the_account_s_key() -> None:
    account = "<BANKACCTFROM><BANKID>30004<BRANCHID>00123<ACCTID>9876<ACCTTYPE>SAVINGS</BANKACCTFROM>"
    (one,) = (await read(_ofx(account=account))).accounts
    assert (one.key, one.type) == ("30004/00123/9876", AccountType.SAVINGS)


async def test_several_accounts_of_one_file_stay_apart() -> None:
    outcome = await read_sample("ofx/multiple_accounts2.ofx")
    assert [(one.number, one.balance) for one in outcome.accounts] == [("9100", Decimal(111)), ("9200", Decimal(222))]


async def test_an_investment_statement_is_said_to_be_left_out() -> None:
    text = f"{HEADER}<OFX><INVSTMTRS><CURDEF>USD<INVACCTFROM><ACCTID>77</INVACCTFROM></INVSTMTRS></OFX>"
    outcome = await read(text)
    assert (outcome.accounts, outcome.warnings) == ([], ["skipped"])


async def test_windows_umlauts_survive() -> None:
    (record,) = (await read(_ofx(ENTRY.replace("Shop", "Café Müller")).encode("cp1252"))).transactions
    assert record.counterparty == "Café Müller"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("<ACCTID>4711", "<ACCTID>", "ACCTID"),
        ("<DTPOSTED>20260131", "", "entry 1: DTPOSTED"),
        ("<DTPOSTED>20260131", "<DTPOSTED>20261331", "entry 1"),
        ("-10.00", "ten", "TRNAMT"),
        ("<TRNAMT>-10.00", "", "TRNAMT"),
        ("</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>", "", "cut off"),
    ],
)
async def test_what_is_missing_or_wrong_is_named(old: str, new: str, named: str) -> None:
    assert named in (await read(_ofx().replace(old, new))).failure


async def test_an_answer_that_is_only_an_error_is_told() -> None:
    status = "<STATUS><CODE>15500<SEVERITY>ERROR<MESSAGE>Signon invalid</STATUS>"
    assert "15500 Signon invalid" in (await read(f"{HEADER}<OFX><SONRS>{status}</SONRS></OFX>")).failure


async def test_a_statement_without_currency_is_read_and_said_so() -> None:
    without = _ofx().replace("<CURDEF>EUR", "<CURDEF></CURDEF>")
    outcome = await read(without)
    assert (outcome.total, outcome.accounts[0].currency, outcome.warnings) == (
        Decimal("-10.00"),
        "XXX",
        ["currency_unknown"],
    )
    assert (await read(without, '{"currency": "EUR"}')).warnings == []


@pytest.mark.parametrize("written", ["00000000", "", "00000000000000"])
async def test_a_balance_without_a_day_is_that_of_the_last_day_of_the_list(written: str) -> None:
    listed = f"<BANKTRANLIST><DTSTART>20260101<DTEND>20260130{ENTRY}</BANKTRANLIST>"
    balance = f"<LEDGERBAL><BALAMT>90.00<DTASOF>{written}</LEDGERBAL>"
    account = "<BANKACCTFROM><ACCTID>4711</BANKACCTFROM>"
    outcome = await read(f"{HEADER}<OFX><STMTRS><CURDEF>EUR{account}{listed}{balance}</STMTRS></OFX>")
    assert outcome.accounts[0].balances == (Balance("booked", Decimal("90.00"), "EUR", date(2026, 1, 30)),)


async def test_a_time_that_does_not_exist_leaves_the_day() -> None:
    account = "<BANKACCTFROM><ACCTID>4711</BANKACCTFROM>"
    balance = "<LEDGERBAL><BALAMT>90.00<DTASOF>20260131048208.39</LEDGERBAL>"
    outcome = await read(f"{HEADER}<OFX><STMTRS><CURDEF>EUR{account}{balance}</STMTRS></OFX>")
    assert outcome.accounts[0].balance_at == datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("name", ["USASCII", "US-ASCII", "ascii", "UTF-8"])
async def test_xml_may_call_utf_8_by_the_name_of_its_part(name: str) -> None:
    account = "<BANKACCTFROM><ACCTID>4711</ACCTID></BANKACCTFROM>"
    body = f"<OFX><STMTRS><CURDEF>EUR</CURDEF>{account}{ENTRY.replace('Shop', 'Café')}</STMTRS></OFX>"
    outcome = await read(f'<?xml version="1.0" encoding="{name}"?>{body}')
    assert outcome.transactions[0].counterparty == "Café"
