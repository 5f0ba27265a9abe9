"""camt.052, 053 and 054: what each element becomes."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from afflux.domain.records import AccountType, Balance, KeyQuality, TransactionStatus, TransactionType
from tests.connectors.files.builders import IBAN, OTHER, balance, document, entry, statement
from tests.connectors.files.reading import read

PARTIES = (
    "<RltdPties><Dbtr><Nm>Bob</Nm></Dbtr><DbtrAcct><Id><IBAN>NL91ABNA0417164300</IBAN></Id></DbtrAcct>"
    "<Cdtr><Nm>Carol</Nm></Cdtr><CdtrAcct><Id><Othr><Id>12345</Id></Othr></Id></CdtrAcct></RltdPties>"
)


async def _one(*entries: str, version: str = "053.001.08", tag: str = "Stmt"):
    outcome = await read(document(statement(*entries, tag=tag), version=version))
    (record,) = outcome.transactions
    return record


@pytest.mark.parametrize("version", ["053.001.02", "053.001.04", "053.001.08", "053.001.10", "053.001.13"])
async def test_every_version_is_recognised_by_its_namespace(version: str) -> None:
    outcome = await read(document(statement(entry()), version=version))
    assert outcome.format == f"camt.{version}"
    assert outcome.total == Decimal("10.00")


async def test_namespace_prefixes_do_not_matter() -> None:
    outcome = await read(document(statement(entry("3.21", reference="REF-778899")), prefix="ns2"))
    assert (outcome.format, outcome.total, outcome.transactions[0].key) == (
        "camt.053.001.08",
        Decimal("3.21"),
        "REF-778899",
    )


async def test_a_message_inside_an_envelope_is_found() -> None:
    inner = document(statement(entry()))
    outcome = await read(f"<Envelope><AppHdr/>{inner}</Envelope>")
    assert outcome.total == Decimal("10.00")


async def test_version_01_with_its_own_element_names_is_read() -> None:
    xml = (
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.052.001.01'><BkToCstmrAcctRptV01><Rpt>"
        "<Acct><Id><PrtryAcct><Id>4711</Id></PrtryAcct></Id></Acct>"
        "<Ntry><Amt Ccy='SEK'>100</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><ValDt><Dt>2007-10-18</Dt></ValDt>"
        "<AcctSvcrRef>ACCR-02</AcctSvcrRef><TxDtls><RltdPties><Dbtr><Nm>Payer</Nm></Dbtr></RltdPties></TxDtls></Ntry>"
        "</Rpt></BkToCstmrAcctRptV01></Document>"
    )
    outcome = await read(xml)
    (record,) = outcome.transactions
    assert outcome.format == "camt.052.001.01"
    assert (outcome.accounts[0].key, outcome.accounts[0].currency) == ("4711", "SEK")
    assert (record.key, record.counterparty, record.booking_date, record.value_date) == (
        "ACCR-02",
        "Payer",
        None,
        date(2007, 10, 18),
    )


async def test_booking_and_value_date_are_kept_apart() -> None:
    record = await _one(entry())
    assert (record.booking_date, record.value_date) == (date(2026, 1, 31), date(2026, 2, 1))


async def test_a_date_time_counts_on_the_day_it_prints_whatever_its_zone() -> None:
    more = entry().replace("<Dt>2026-01-31</Dt>", "<DtTm>2026-01-31T23:59:00+01:00</DtTm>")
    assert (await _one(more)).booking_date == date(2026, 1, 31)


async def test_debits_are_negative_and_a_reversal_keeps_the_sign_of_its_indicator() -> None:
    assert (await _one(entry("7.50", debit=True))).amount == Decimal("-7.50")
    reversal = await _one(entry("7.50", debit=True, more="<RvslInd>true</RvslInd>"))
    assert reversal.amount == Decimal("-7.50")


async def test_a_reversal_is_not_taken_for_the_entry_whose_reference_it_repeats() -> None:
    booked = await _one(entry(reference="REF-123456"))
    reversed_ = await _one(entry(debit=True, reference="REF-123456", more="<RvslInd>true</RvslInd>"))
    assert (booked.key, reversed_.key) == ("REF-123456", "REF-123456/reversal")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("BOOK", TransactionStatus.BOOKED),
        ("<Cd>BOOK</Cd>", TransactionStatus.BOOKED),
        ("PDNG", TransactionStatus.PENDING),
        ("<Cd>PDNG</Cd>", TransactionStatus.PENDING),
        ("<Cd>FUTR</Cd>", TransactionStatus.PENDING),
        ("<Prtry>own</Prtry>", TransactionStatus.BOOKED),
    ],
)
async def test_the_entry_s_status_is_read_in_both_its_forms(status: str, expected: TransactionStatus) -> None:
    assert (await _one(entry(status=status))).status is expected


@pytest.mark.parametrize("status", ["INFO", "<Cd>INFO</Cd>"])
async def test_entries_for_information_are_left_out_and_said_so(status: str) -> None:
    outcome = await read(document(statement(entry(status=status), entry())))
    assert len(outcome.transactions) == 1
    assert outcome.warnings == ["skipped"]


async def test_references_keep_their_names_and_empty_phrases_are_dropped() -> None:
    refs = (
        "<Refs><MsgId>M</MsgId><InstrId>I</InstrId><EndToEndId>NOTPROVIDED</EndToEndId><TxId>T</TxId>"
        "<MndtId>MANDATE</MndtId><ChqNb>0042</ChqNb></Refs>"
        "<RmtInf><Strd><RfrdDocInf/></Strd><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf>"
    )
    record = await _one(entry(reference="SVCR-1234", details=refs))
    assert record.references == {
        "account_servicer": "SVCR-1234",
        "message": "M",
        "instruction": "I",
        "transaction": "T",
        "mandate": "MANDATE",
        "remittance": "RF18539007547034",
    }
    assert record.check_number == "0042"


async def test_the_other_side_is_the_debtor_of_a_credit_and_the_creditor_of_a_debit() -> None:
    credit, debit = await _one(entry(details=PARTIES)), await _one(entry(debit=True, details=PARTIES))
    assert (credit.counterparty, credit.counterparty_account) == ("Bob", OTHER)
    assert (debit.counterparty, debit.counterparty_account) == ("Carol", "12345")


async def test_a_returned_payment_keeps_its_roles_so_the_other_side_is_the_creditor() -> None:
    returned = PARTIES + "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
    record = await _one(entry(details=returned))
    assert (record.counterparty, record.references["return_reason"]) == ("Carol", "AC04")


async def test_we_are_never_our_own_counterparty() -> None:
    parties = PARTIES.replace(OTHER, IBAN)
    assert (await _one(entry(details=parties))).counterparty == "Carol"


async def test_parties_of_version_08_are_one_level_deeper() -> None:
    parties = "<RltdPties><Dbtr><Pty><Nm>Bob</Nm></Pty></Dbtr></RltdPties>"
    assert (await _one(entry(details=parties))).counterparty == "Bob"


async def test_text_holds_the_bank_s_words_and_every_remittance_line_once() -> None:
    details = "<RmtInf><Ustrd>Invoice 1</Ustrd><Ustrd>March</Ustrd></RmtInf><AddtlTxInf>Invoice 1</AddtlTxInf>"
    record = await _one(entry(details=details, more="<AddtlNtryInf>SEPA Überweisung</AddtlNtryInf>"))
    assert record.text == "SEPA Überweisung Invoice 1 March"


async def test_a_purchase_abroad_keeps_its_amount_and_currency() -> None:
    details = (
        "<AmtDtls><InstdAmt><Amt Ccy='USD'>12.34</Amt></InstdAmt><TxAmt><Amt Ccy='EUR'>10.00</Amt></TxAmt></AmtDtls>"
    )
    record = await _one(entry(debit=True, details=details))
    assert (record.original_amount, record.original_currency) == (Decimal("-12.34"), "USD")


async def test_charges_stay_beside_the_amount() -> None:
    charges = "<Chrgs><TtlChrgsAndTaxAmt Ccy='CHF'>1.50</TtlChrgsAndTaxAmt></Chrgs>"
    record = await _one(entry("98.50", currency=" Ccy='CHF'", more=charges))
    assert (record.amount, record.currency, record.references["charges"]) == (Decimal("98.50"), "CHF", "1.50 CHF")


async def test_an_amount_without_currency_is_in_the_account_s() -> None:
    assert (await _one(entry(currency=""))).currency == "EUR"


async def test_a_batch_stays_one_movement() -> None:
    batch = (
        "<NtryDtls><Btch><PmtInfId>RUN-7</PmtInfId></Btch>"
        "<TxDtls><Refs><EndToEndId>A</EndToEndId></Refs><RmtInf><Ustrd>one</Ustrd></RmtInf></TxDtls>"
        "<TxDtls><Refs><EndToEndId>B</EndToEndId></Refs><RmtInf><Ustrd>two</Ustrd></RmtInf></TxDtls>"
        "</NtryDtls>"
    )
    record = await _one(entry(debit=True, more=batch))
    assert (record.amount, record.text, record.references) == (
        Decimal("-10.00"),
        "one two",
        {"payment_information": "RUN-7"},
    )
    assert record.raw.count("<TxDtls>") == 2


async def test_a_huge_batch_keeps_its_amount_while_its_copy_is_shortened() -> None:
    payment = "<TxDtls><Refs><EndToEndId>A</EndToEndId></Refs><AddtlTxInf>" + "x" * 400 + "</AddtlTxInf></TxDtls>"
    record = await _one(entry("900.00", more=f"<NtryDtls>{payment * 900}</NtryDtls>"))
    assert record.amount == Decimal("900.00")
    assert len(record.raw) < 64 * 1024
    assert "890 more details left out" in record.raw


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "<Domn><Cd>PMNT</Cd><Fmly><Cd>RDDT</Cd><SubFmlyCd>ESDD</SubFmlyCd></Fmly></Domn>",
            TransactionType.DIRECT_DEBIT,
        ),
        ("<Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>", TransactionType.TRANSFER),
        ("<Domn><Cd>PMNT</Cd><Fmly><Cd>CCRD</Cd><SubFmlyCd>CWDL</SubFmlyCd></Fmly></Domn>", TransactionType.CASH),
        ("<Domn><Cd>ACMT</Cd><Fmly><Cd>MDOP</Cd><SubFmlyCd>CHRG</SubFmlyCd></Fmly></Domn>", TransactionType.FEE),
        ("<Prtry><Cd>NDDT+105+00931</Cd><Issr>DK</Issr></Prtry>", TransactionType.DIRECT_DEBIT),
        ("<Prtry><Cd>544</Cd></Prtry>", TransactionType.OTHER),
    ],
)
async def test_the_bank_transaction_code_gives_the_type(code: str, expected: TransactionType) -> None:
    assert (await _one(entry(more=f"<BkTxCd>{code}</BkTxCd>"))).type is expected


async def test_the_servicer_s_reference_is_the_key_where_it_names_one_entry() -> None:
    outcome = await read(document(statement(entry(reference="REF-A1234"), entry(reference="REF-B1234"))))
    assert [(one.key, one.key_quality) for one in outcome.transactions] == [
        ("REF-A1234", KeyQuality.PROVIDER),
        ("REF-B1234", KeyQuality.PROVIDER),
    ]


@pytest.mark.parametrize("reference", ["NONREF", "1", "0007", ""])
async def test_what_is_no_identifier_is_no_key(reference: str) -> None:
    record = await _one(entry(reference=reference))
    assert (record.key, record.key_quality) == (None, KeyQuality.DERIVED)


async def test_a_reference_that_two_entries_share_is_no_key() -> None:
    outcome = await read(
        document(statement(entry(reference="REF-A1234"), entry("0.10", debit=True, reference="REF-A1234")))
    )
    assert [(one.key, one.key_quality) for one in outcome.transactions] == [(None, KeyQuality.DERIVED)] * 2


async def test_the_same_movement_is_the_same_record_in_a_report_a_notification_and_a_statement() -> None:
    details = "<Refs><EndToEndId>E2E</EndToEndId></Refs>" + PARTIES + "<RmtInf><Ustrd>Rent</Ustrd></RmtInf>"
    moved = entry(reference="REF-A1234", details=details)
    report = await _one(moved, version="052.001.08", tag="Rpt")
    notification = await _one(moved, version="054.001.08", tag="Ntfctn")
    assert report == notification == await _one(moved)


async def test_balances_keep_their_kind_and_day_and_the_closing_one_is_shown() -> None:
    parts = (
        balance("PRCD", "50.00", "2026-01-30"),
        balance("OPBD", "50.00", "2026-01-31"),
        balance("CLBD", "5.00", "2026-01-31", debit=True),
        balance("CLAV", "95.00", "2026-01-31"),
        entry("55.00", debit=True),
    )
    outcome = await read(document(statement(*parts)))
    (account,) = outcome.accounts
    day = date(2026, 1, 31)
    assert account.balances == (
        Balance("opening", Decimal("50.00"), "EUR", day),
        Balance("closing", Decimal("-5.00"), "EUR", day),
        Balance("available", Decimal("95.00"), "EUR", day),
    )
    assert (account.balance, account.balance_at) == (Decimal("-5.00"), datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC))
    assert outcome.warnings == []


async def test_an_account_is_known_by_its_iban_even_where_it_stands_in_another_element() -> None:
    plain = statement(entry(), iban=IBAN)
    other = plain.replace(f"<IBAN>{IBAN}</IBAN>", f"<Othr><Id>{IBAN}</Id></Othr>")
    outcome = await read(document(plain + other.replace("2026-01-31", "2026-01-30")))
    assert [(one.key, one.iban, one.owner) for one in outcome.accounts] == [(IBAN, IBAN, "Alice")]


async def test_an_account_without_iban_is_known_by_bank_and_number() -> None:
    xml = statement(entry()).replace(f"<IBAN>{IBAN}</IBAN>", "<Othr><Id>4711</Id></Othr>")
    xml = xml.replace(
        "</Ownr>", "</Ownr><Tp><Cd>SVGS</Cd></Tp><Svcr><FinInstnId><BICFI>COBADEFF</BICFI></FinInstnId></Svcr>"
    )
    (account,) = (await read(document(xml))).accounts
    assert (account.key, account.number, account.bic, account.type) == (
        "COBADEFF/4711",
        "4711",
        "COBADEFF",
        AccountType.SAVINGS,
    )


async def test_pockets_of_one_iban_in_several_currencies_are_accounts_of_their_own() -> None:
    pockets = statement(entry()) + statement(entry(currency=" Ccy='USD'"), currency="USD")
    outcome = await read(document(pockets))
    assert [(one.key, one.currency) for one in outcome.accounts] == [(f"{IBAN}/EUR", "EUR"), (f"{IBAN}/USD", "USD")]
    assert [one.account_key for one in outcome.transactions] == [f"{IBAN}/EUR", f"{IBAN}/USD"]


async def test_a_statement_without_entries_still_brings_its_account_and_balance() -> None:
    outcome = await read(document(statement(balance("CLBD", "1.00", "2026-01-31"))))
    assert (outcome.accounts[0].balance, outcome.transactions) == (Decimal("1.00"), [])
    assert len(outcome.checkpoints) == 1


@pytest.mark.parametrize(
    ("announced", "pages", "warnings"),
    [
        ("1", "", []),
        ("3", "", ["statement_gap"]),
        ("3", "<MsgPgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></MsgPgntn>", ["statement_gap"]),
        ("3", "<MsgPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></MsgPgntn>", []),
        ("3", "<MsgPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></MsgPgntn>", []),
        ("many", "", []),
    ],
)
async def test_fewer_entries_than_announced_are_told(announced: str, pages: str, warnings: list[str]) -> None:
    summary = f"<TxsSummry><TtlNtries><NbOfNtries>{announced}</NbOfNtries></TtlNtries></TxsSummry>"
    outcome = await read(document(f"<GrpHdr>{pages}</GrpHdr>" + statement(summary, entry())))
    assert (outcome.warnings, len(outcome.transactions)) == (warnings, 1)


@pytest.mark.parametrize(
    "broken", [("<Dt><Dt>2026-01-30</Dt></Dt>", ""), ("<Amt Ccy='EUR'>5.00</Amt>", ""), (">5.00<", "><")]
)
async def test_a_balance_without_amount_or_date_is_left_out_and_said_so(broken: tuple[str, str]) -> None:
    opening = balance("OPBD", "5.00", "2026-01-30").replace(*broken)
    outcome = await read(document(statement(opening, entry(), balance("CLBD", "15.00", "2026-01-31"))))
    assert (outcome.warnings, outcome.total) == (["skipped"], Decimal("10.00"))
    assert [one.kind for one in outcome.accounts[0].balances] == ["closing"]


async def test_an_undated_entry_of_an_undated_statement_counts_on_the_day_of_the_message() -> None:
    undated = entry().replace("<BookgDt><Dt>2026-01-31</Dt></BookgDt><ValDt><Dt>2026-02-01</Dt></ValDt>", "")
    body = statement(undated).replace("<CreDtTm>2026-01-31T20:00:00Z</CreDtTm>", "")
    header = "<GrpHdr><CreDtTm>2026-01-29T20:00:00.000000000</CreDtTm></GrpHdr>"
    outcome = await read(document(header + body))
    assert outcome.transactions[0].booking_date == date(2026, 1, 29)
    assert "no date" in (await read(document(body))).failure


async def test_a_statement_without_account_is_read_and_said_so() -> None:
    account = f"<Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy><Ownr><Nm>Alice</Nm></Ownr></Acct>"
    xml = document(statement(entry()).replace(account, ""))
    outcome = await read(xml)
    assert (outcome.accounts[0].key_quality, outcome.total) == (KeyQuality.POSITIONAL, Decimal("10.00"))
    assert outcome.warnings == ["account_unknown"]
    named = await read(xml, f'{{"account": "{IBAN}", "name": "Daily"}}')
    assert (named.accounts[0].key, named.accounts[0].name, named.warnings) == (IBAN, "Daily", [])
