"""ISO 20022 account reports (camt.052), statements (camt.053) and notifications (camt.054), of every version.

Elements are found by local name, so prefixes and versions do not matter; what differs between versions (`Sts` as text
or code, `PrtryAcct` or `Othr`, parties with or without `Pty`) is asked for in all its forms.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from lxml import etree

from afflux.connectors.files import values
from afflux.connectors.files.camt_balances import bounds, distinct, latest, moment, stated_balances
from afflux.connectors.files.camt_entry import Frame, read_entry
from afflux.connectors.files.mapping import Constants
from afflux.connectors.files.safety import FileInvalid, check_count
from afflux.connectors.files.statement import Note, Reading, StatedAccount, Statement
from afflux.connectors.files.xml import Part, each, find, local_name, source, words
from afflux.domain.records import AccountType, Balance, KeyQuality, TransactionRecord, TransactionStatus

_MESSAGES = {
    "BkToCstmrAcctRpt": ("camt.052", "Rpt"),
    "BkToCstmrStmt": ("camt.053", "Stmt"),
    "BkToCstmrDbtCdtNtfctn": ("camt.054", "Ntfctn"),
}
_PAGED = tuple(tag for _, tag in _MESSAGES.values())
_NAMESPACE = re.compile(r"camt\.05[234]\.[0-9]{3}\.[0-9]{2}")

#: ISO 20022 external cash account type codes that say more than "current account".
_ACCOUNT_TYPES = {
    "SVGS": AccountType.SAVINGS,
    "ONDP": AccountType.SAVINGS,
    "LOAN": AccountType.LOAN,
    "CARD": AccountType.CARD,
}


def is_camt(root: etree._Element) -> bool:
    """Whether this document holds a camt.052, 053 or 054 message, bare or in an envelope."""
    return next(_messages(root), None) is not None


def read_camt(root: etree._Element, constants: Constants) -> Reading:
    """Every statement in the document."""
    notes: list[Note] = []
    statements: list[Statement] = []
    formats: list[str] = []
    count = 0
    for message, family, tag in _messages(root):
        formats.append(_format(message, family))
        for element in each(message, tag):
            place = f"statement {len(statements) + 1}"
            statements.append(_statement(_Source(element, message, family, place, constants, notes)))
            count += len(statements[-1].transactions)
            check_count(count)
    if not statements:
        raise FileInvalid(f"The {formats[0]} message holds no statement.")
    return Reading(format=formats[0], statements=tuple(statements), notes=tuple(notes))


@dataclass(frozen=True, slots=True)
class _Source:
    """One statement and what it is read with."""

    element: Part
    message: Part
    #: Such as `camt.053`.
    family: str
    place: str
    constants: Constants
    #: Grows while the statement is read.
    notes: list[Note]


def _messages(root: etree._Element) -> Iterator[tuple[Part, str, str]]:
    # Version 01 had its number in the element's name.
    names = (f"{{*}}{name}{suffix}" for name in _MESSAGES for suffix in ("", "V01"))
    for element in root.iter(*names):
        yield Part(element), *_MESSAGES[local_name(element).removesuffix("V01")]


def _format(message: Part, family: str) -> str:
    match = _NAMESPACE.search(etree.QName(message.element).namespace or "")
    return match[0] if match else family


def _statement(given: _Source) -> Statement:
    element, place = given.element, given.place
    balances = stated_balances(element, place, given.notes)
    account = _account(given, balances)
    frame = Frame(
        account_key=account.key,
        currency=account.currency,
        iban=account.iban,
        owner=account.owner,
        day=_own_day(given, balances),
    )
    transactions = tuple(_entries(given, frame))
    opening, closing = bounds(balances, given.family)
    shown = closing or latest([balance for code, balance in balances if code == "ITBD"])
    shown = shown if shown and shown.currency == account.currency else None
    return Statement(
        place=place,
        account=account,
        balances=distinct(balances),
        opening=opening,
        closing=closing,
        balance=shown.amount if shown else None,
        balance_at=moment(element, shown),
        transactions=transactions,
        complete=_period(element, opening, closing, transactions, place) if given.family == "camt.053" else None,
    )


def _account(given: _Source, balances: list[tuple[str, Balance]]) -> StatedAccount:
    account = find(given.element, "Acct") or Part(etree.Element("Acct"))
    declared = words(account, "Id/IBAN")
    other = words(account, "Id/Othr/Id|Id/PrtryAcct/Id|Id/BBAN|Id/UPIC") or given.constants.account
    iban = "".join(declared.split()).upper() if declared else values.as_iban(other or "")
    number = iban or other or ""
    if not number:
        text = f"{given.place}: no account is named (Acct/Id); give it in the mapping."
        given.notes.append(Note(code="account_unknown", text=text))
    institution = words(account, "Svcr/FinInstnId/BICFI|Svcr/FinInstnId/BIC")
    member = institution or words(
        account, "Svcr/FinInstnId/ClrSysMmbId/MmbId|Svcr/FinInstnId/CmbndId/ClrSysMmbId/MmbId"
    )
    return StatedAccount(
        key=iban or (f"{member}/{other}" if member and other else number) or "camt",
        key_quality=KeyQuality.PROVIDER if number else KeyQuality.POSITIONAL,
        number=number,
        iban=iban,
        bban=words(account, "Id/BBAN"),
        bic=institution,
        currency=_account_currency(given, account, balances),
        name=words(account, "Nm") or given.constants.name,
        owner=words(account, "Ownr/Nm|Ownr/Pty/Nm"),
        type=_ACCOUNT_TYPES.get(words(account, "Tp/Cd") or "", AccountType.CURRENT),
        raw=source(account),
    )


def _account_currency(given: _Source, account: Part, balances: list[tuple[str, Balance]]) -> str:
    if stated := words(account, "Ccy"):
        return values.currency(stated, f"{given.place}, element Ccy")
    if balances:
        return balances[0][1].currency
    for entry in each(given.element, "Ntry"):
        amount = find(entry, "Amt")
        if amount and (code := amount.get("Ccy")):
            return values.currency(code, f"{given.place}, line {amount.line}, attribute Ccy")
    if given.constants.currency is None:
        raise FileInvalid(f"{given.place}: no currency is stated, neither for the account nor for an amount.")
    return given.constants.currency


def _own_day(given: _Source, balances: list[tuple[str, Balance]]) -> date | None:
    """The day of an entry that names none: it counts on this statement."""
    closing = latest([balance for code, balance in balances if code == "CLBD"])
    if closing:
        return closing.day
    made = words(given.element, "CreDtTm") or words(given.message, "GrpHdr/CreDtTm")
    return values.iso_day(made, f"{given.place}, element CreDtTm") if made else None


def _entries(given: _Source, frame: Frame) -> Iterator[TransactionRecord]:
    number, left_out = 0, 0
    for number, entry in enumerate(each(given.element, "Ntry"), 1):
        record = read_entry(entry, frame, f"{given.place}, entry {number}")
        if record is None:
            left_out += 1
        else:
            yield record
    if left_out:
        text = f"{given.place}: {left_out} entries are for information only (status INFO) and were left out."
        given.notes.append(Note(code="skipped", text=text, account_key=frame.account_key))
    announced = _announced(given)
    if announced is not None and announced != number:
        text = f"{given.place}: it announces {announced} entries but holds {number}; entries may be missing."
        given.notes.append(Note(code="statement_gap", text=text, account_key=frame.account_key))


def _announced(given: _Source) -> int | None:
    """The number of entries in the summary, unless it may count those of other pages too."""
    stated = words(given.element, "TxsSummry/TtlNtries/NbOfNtries") or ""
    pages = [words(given.message, "GrpHdr/MsgPgntn/LastPgInd"), words(given.message, "GrpHdr/MsgPgntn/PgNb")]
    pages += [words(given.element, f"{tag}Pgntn/{name}") for tag in _PAGED for name in ("LastPgInd", "PgNb")]
    whole = all(page in (None, "true", "1") for page in pages)
    return int(stated) if whole and stated.isascii() and stated.isdigit() and len(stated) < 10 else None


def _period(
    element: Part,
    opening: Balance | None,
    closing: Balance | None,
    transactions: tuple[TransactionRecord, ...],
    place: str,
) -> tuple[date, date] | None:
    """The days this statement is whole for: its own from–to period, else the days between its balances.

    A period that its own entries contradict says nothing.
    """
    days = [record.day for record in transactions if record.status is TransactionStatus.BOOKED]
    period = _stated_period(element, place)
    if period is None and opening and closing:
        # The opening balance carries the day before or the first day: that day is claimed only with an entry on it.
        first = opening.day if opening.day == closing.day or opening.day in days else opening.day + timedelta(days=1)
        period = (first, closing.day)
    if period is None or period[0] > period[1]:
        return None
    return period if all(period[0] <= day <= period[1] for day in days) else None


def _stated_period(element: Part, place: str) -> tuple[date, date] | None:
    start = words(element, "FrToDt/FrDtTm|FrToDt/FrDt")
    end = words(element, "FrToDt/ToDtTm|FrToDt/ToDt")
    if not start or not end:
        return None
    first = values.iso_day(start, f"{place}, element FrDtTm")
    last = values.iso_day(end, f"{place}, element ToDtTm")
    if last > first and "T00:00:00" in end:
        last -= timedelta(days=1)
    return first, last
