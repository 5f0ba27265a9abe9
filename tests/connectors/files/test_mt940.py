"""MT940 and MT942: fields, marks, the dialects of field 86."""

from datetime import date
from decimal import Decimal

import pytest

from afflux.domain.records import Balance, KeyQuality, TransactionStatus, TransactionType
from tests.connectors.files.reading import read, read_sample

IBAN = "NL71RABO0123456789"


def _message(line: str = "2601310131C10,00NTRFNONREF", details: str | None = None, account: str = IBAN) -> str:
    told = f":86:{details}\n" if details is not None else ""
    return (
        f":20:REF\n:25:{account}\n:28C:1/1\n:60F:C260130EUR100,00\n:61:{line}\n{told}:62F:C260131EUR110,00\n"
        ":86:about the statement\n-\n"
    )


async def _one(line: str = "2601310131C10,00NTRFNONREF", details: str | None = None):
    (record,) = (await read(_message(line, details))).transactions
    return record


@pytest.mark.parametrize(
    ("mark", "amount", "status"),
    [
        ("C", "10.00", TransactionStatus.BOOKED),
        ("D", "-10.00", TransactionStatus.BOOKED),
        ("RC", "-10.00", TransactionStatus.BOOKED),
        ("RD", "10.00", TransactionStatus.BOOKED),
        ("EC", "10.00", TransactionStatus.PENDING),
        ("ED", "-10.00", TransactionStatus.PENDING),
        ("CR", "10.00", TransactionStatus.BOOKED),
        ("DR", "-10.00", TransactionStatus.BOOKED),
    ],
)
async def test_the_mark_gives_sign_and_status(mark: str, amount: str, status: TransactionStatus) -> None:
    record = await _one(f"2601310131{mark}10,00NTRFNONREF")
    assert (record.amount, record.status) == (Decimal(amount), status)


@pytest.mark.parametrize(
    ("written", "booking", "value"),
    [
        ("2601310201", date(2026, 2, 1), date(2026, 1, 31)),
        ("2512311231", date(2025, 12, 31), date(2025, 12, 31)),
        ("2512310102", date(2026, 1, 2), date(2025, 12, 31)),
        ("2601011231", date(2025, 12, 31), date(2026, 1, 1)),
        ("260131", None, date(2026, 1, 31)),
        ("1602300301", date(2016, 3, 1), date(2016, 2, 29)),
    ],
)
async def test_entry_dates_fall_into_the_nearest_year(written: str, booking: date | None, value: date) -> None:
    record = await _one(f"{written}C10,00NTRFNONREF")
    assert (record.booking_date, record.value_date) == (booking, value)


async def test_references_of_customer_and_bank_and_the_supplement_are_kept() -> None:
    record = await _one("2601310131D10,00NTRFCUST-1//BANK-2\n/OCMT/USD12,34/", "Payment")
    assert record.references == {"customer": "CUST-1", "bank": "BANK-2", "supplementary": "/OCMT/USD12,34/"}
    assert (record.original_amount, record.original_currency) == (Decimal("-12.34"), "USD")
    assert (record.key, record.key_quality) == (None, KeyQuality.DERIVED)
    assert record.raw == ":61:2601310131D10,00NTRFCUST-1//BANK-2\n/OCMT/USD12,34/\n:86:Payment"


async def test_german_subfields_give_text_party_and_references() -> None:
    details = (
        "105?00FOLGELASTSCHRIFT?100931?20EREF+INV-2026-00017?21MREF+M-4711?22CRED+DE98ZZZ09999999999?23SVWZ+Stromab\n"
        "schlag Januar 2026?30COBADEFFXXX?31DE89370400440532013000?32Stadtwerke Musterst?33adt GmbH?34992"
    )
    record = await _one("2601310131D10,00NDDTKREF+", details)
    assert record.text == "FOLGELASTSCHRIFT Stromabschlag Januar 2026"
    assert record.references == {
        "end_to_end": "INV-2026-00017",
        "mandate": "M-4711",
        "creditor": "DE98ZZZ09999999999",
        "prima_nota": "0931",
    }
    assert (record.counterparty_account, record.type) == ("DE89370400440532013000", TransactionType.DIRECT_DEBIT)
    assert record.counterparty.startswith("Stadtwerke Musterst")


@pytest.mark.parametrize("mark", ["?", ">", "<", "~", "^"])
async def test_every_bank_s_subfield_mark_is_understood(mark: str) -> None:
    record = await _one(details="166?00Credit?20Thank you?32ALICE".replace("?", mark))
    assert (record.text, record.counterparty, record.type) == ("Credit Thank you", "ALICE", TransactionType.TRANSFER)


@pytest.mark.parametrize(
    "words", ["2026-01-31 12:30 SHOP 20", "-12,50 EUR", "100/20 A", "#20 of 30", "999PN0911STANDING"]
)
async def test_plain_text_is_not_taken_for_subfields(words: str) -> None:
    assert (await _one(details=words)).text == words


async def test_slash_codes_of_dutch_banks_are_understood() -> None:
    abn = "/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/J JANSEN/REMI/Invoice 123/EREF/NOTPROVIDED"
    ing = "/EREF/E2E-1//CNTP/NL32INGB0000012345/INGBNL2A/ING TEST/AMSTERDAM///REMI/USTD//Invoice 9/"
    one, two = await _one(details=abn), await _one(details=ing)
    assert (one.text, one.counterparty, one.counterparty_account, one.references) == (
        "SEPA OVERBOEKING Invoice 123",
        "J JANSEN",
        "NL91ABNA0417164300",
        {},
    )
    assert (two.text, two.counterparty, two.counterparty_account, two.references) == (
        "Invoice 9",
        "ING TEST",
        "NL32INGB0000012345",
        {"end_to_end": "E2E-1"},
    )


async def test_the_field_behind_the_closing_balance_is_not_told_of_a_movement() -> None:
    assert (await _one(details="Coffee")).text == "Coffee"


@pytest.mark.parametrize(
    ("account", "key"),
    [
        (IBAN, IBAN),
        (f"{IBAN}EUR", IBAN),
        (f"{IBAN} EUR", IBAN),
        ("10020030/1234567", "10020030/1234567"),
        ("51210600/9223382012EUR", "51210600/9223382012"),
        ("/RO19INGB0000999904621843", "RO19INGB0000999904621843"),
        ("COBADEFFXXX/DE89370400440532013000", "DE89370400440532013000"),
        ("//AT39364/12345678912/EUR", "AT39364/12345678912/EUR"),
        ("COBADEFFXXX/", "COBADEFFXXX"),
    ],
)
async def test_what_banks_print_around_the_account_number_is_no_part_of_it(account: str, key: str) -> None:
    assert (await read(_message(account=account))).accounts[0].key == key


async def test_balances_and_gap_are_read_from_both_ends() -> None:
    outcome = await read(_message())
    assert outcome.accounts[0].balances == (
        Balance("opening", Decimal("100.00"), "EUR", date(2026, 1, 30)),
        Balance("closing", Decimal("110.00"), "EUR", date(2026, 1, 31)),
    )
    assert outcome.warnings == []
    assert (await read(_message().replace("110,00", "120,00"))).warnings == ["statement_gap"]


async def test_statements_of_several_accounts_stay_apart() -> None:
    outcome = await read(_message() + _message(account="12345678"))
    assert [one.key for one in outcome.accounts] == [IBAN, "12345678"]
    assert [one.account_key for one in outcome.transactions] == [IBAN, "12345678"]


async def test_the_swift_envelope_is_no_part_of_the_statement() -> None:
    head = "\x01{1:F01BANKDEFFAXXX0000000000}{2:O9400000000000BANKDEFFAXXX00000000000000000000N}{4:\n"
    outcome = await read(head + _message(details="Coffee").removesuffix("-\n") + "-}{5:{CHK:123456789ABC}}\x03\n")
    assert (outcome.format, outcome.total, outcome.transactions[0].text) == ("mt940", Decimal("10.00"), "Coffee")


async def test_an_error_inside_an_envelope_names_the_line_of_the_file() -> None:
    text = "{1:F01BANKDEFFAXXX0000000000}{2:I940BANKDEFFXXXXN}{4:\n" + _message("2601310131C1x,00NTRF")
    assert "line 6, field 61" in (await read(text)).failure


async def test_an_interim_report_is_mt942_and_takes_its_currency_from_the_floor_limit() -> None:
    text = ":20:R\n:25:PL29114010810000267002001002\n:28C:1/1\n:34F:PLN0\n:13D:1701191815+0100\n"
    outcome = await read(f"{text}:61:1701190119CN0,01NTRFNONREF//MB1\n:86:x\n:90C:1PLN0,01\n-\n")
    assert (outcome.format, outcome.accounts[0].currency, outcome.total) == ("mt942", "PLN", Decimal("0.01"))
    assert outcome.transactions[0].status is TransactionStatus.BOOKED


async def test_a_bank_s_own_field_tells_where_there_is_no_field_86() -> None:
    text = _message().replace(":62F:", ":NS:01Line one\n02Line two\n15Em\n16pfänger\n:62F:")
    (record,) = (await read(text)).transactions
    assert (record.text, record.counterparty) == ("Line one Line two", "Empfänger")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8-sig", "utf-16"])
async def test_umlauts_survive_in_every_usual_encoding(encoding: str) -> None:
    (record,) = (await read(_message(details="Grüße aus Köln").encode(encoding))).transactions
    assert record.text == "Grüße aus Köln"


async def test_dos_umlauts_survive() -> None:
    (record,) = (await read(_message(details="für Müller").encode("cp850"))).transactions
    assert record.text == "für Müller"


async def test_a_fragment_without_account_or_currency_is_read_and_said_so() -> None:
    outcome = await read_sample("mt940/sparkassen.sta")
    assert (outcome.accounts[0].currency, outcome.accounts[0].key_quality) == ("XXX", KeyQuality.POSITIONAL)
    assert outcome.warnings == ["currency_unknown", "account_unknown"]


async def test_the_mapping_names_what_a_fragment_leaves_out() -> None:
    outcome = await read(":61:2601310131C10,00NTRFNONREF\n", '{"account": "4711", "currency": "EUR"}')
    assert (outcome.accounts[0].key, outcome.accounts[0].currency, outcome.warnings) == ("4711", "EUR", [])


@pytest.mark.parametrize("field", [":60F:C100318EUR380115,", ":62F:C100318EUR380115,", ":64:C100318EUR3,66"])
async def test_a_balance_alone_is_read(field: str) -> None:
    outcome = await read(f"{field}\n-")
    assert (outcome.transactions, len(outcome.accounts[0].balances)) == ([], 1)
    assert outcome.warnings == ["account_unknown"]


async def test_an_account_alone_is_read() -> None:
    outcome = await read(f"\n:25:{IBAN}\n", '{"currency": "EUR"}')
    assert [(one.key, one.currency) for one in outcome.accounts] == [(IBAN, "EUR")]


@pytest.mark.parametrize("fragment", [":20:TELEREPORTING\n", ":28C:00035/001", ":86:091\n-", ":NS:"])
async def test_a_fragment_that_tells_nothing_is_refused_as_such(fragment: str) -> None:
    assert "holds no statement" in (await read(fragment)).failure


async def test_a_forecast_that_cannot_be_read_is_left_out_and_said_so() -> None:
    outcome = await read(_message().replace("-\n", ":65F:Dnullnull7414,3\n-\n"))
    assert (outcome.total, outcome.warnings) == (Decimal("10.00"), ["skipped"])
    assert len(outcome.accounts[0].balances) == 2


async def test_a_booked_balance_that_cannot_be_read_is_an_error() -> None:
    text = _message().replace("C260131EUR110,00", "C260131EURO0,00")
    assert "line 6, field 62F" in (await read(text)).failure


async def test_details_under_the_number_of_the_account_field_are_still_details() -> None:
    text = _message(details="166?00CREDIT?20Thank you very much indeed?32ALICE").replace(":86:166", ":25:166")
    outcome = await read(text)
    assert [one.key for one in outcome.accounts] == [IBAN]
    assert outcome.transactions[0].counterparty == "ALICE"
    assert outcome.warnings == []


async def test_padding_in_subfields_is_no_part_of_names() -> None:
    record = await _one(details="035~20CVF 1~32ALICE SRL    ~33 RO12~60     ~")
    assert (record.text, record.counterparty) == ("CVF 1", "ALICE SRL RO12")
