"""ISO 20022 account reports (camt.052), statements (camt.053) and notifications (camt.054), of every version.

Elements are found by local name, so prefixes and versions do not matter; what differs between versions (`Sts` as text
or code, `PrtryAcct` or `Othr`, parties with or without `Pty`) is asked for in all its forms.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from lxml import etree

from afflux.connectors.files import values
from afflux.connectors.files.camt_entry import Frame, read_entry
from afflux.connectors.files.safety import FileInvalid, check_count
from afflux.connectors.files.statement import Note, Reading, StatedAccount, Statement
from afflux.connectors.files.xml import Part, find, find_all, local_name, source, words
from afflux.domain.records import AccountType, Balance, TransactionRecord, TransactionStatus

_MESSAGES = {
    "BkToCstmrAcctRpt": ("camt.052", "Rpt"),
    "BkToCstmrStmt": ("camt.053", "Stmt"),
    "BkToCstmrDbtCdtNtfctn": ("camt.054", "Ntfctn"),
}
_NAMESPACE = re.compile(r"camt\.05[234]\.[0-9]{3}\.[0-9]{2}")

#: ISO 20022 external balance type codes (ExternalBalanceType1Code) and what we call them.
_BALANCE_KINDS = {
    "OPBD": "opening",
    "PRCD": "opening",
    "CLBD": "closing",
    "ITBD": "booked",
    "CLAV": "available",
    "ITAV": "available",
    "FWAV": "available",
    "OPAV": "available",
}
#: Where two codes mean the same kind on one day, the earlier one here is the better statement.
_BALANCE_RANK = tuple(_BALANCE_KINDS)

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


def read_camt(root: etree._Element) -> Reading:
    """Every statement in the document."""
    notes: list[Note] = []
    statements: list[Statement] = []
    formats: list[str] = []
    count = 0
    for message, family, tag in _messages(root):
        formats.append(_format(message, family))
        for element in find_all(message, tag):
            statements.append(_statement(element, family, len(statements) + 1, notes))
            count += len(statements[-1].transactions)
            check_count(count)
    if not statements:
        raise FileInvalid(f"The {formats[0]} message holds no statement.")
    return Reading(format=formats[0], statements=tuple(statements), notes=tuple(notes))


def _messages(root: etree._Element) -> Iterator[tuple[Part, str, str]]:
    # Version 01 had its number in the element's name.
    names = (f"{{*}}{name}{suffix}" for name in _MESSAGES for suffix in ("", "V01"))
    for element in root.iter(*names):
        yield Part(element), *_MESSAGES[local_name(element).removesuffix("V01")]


def _format(message: Part, family: str) -> str:
    match = _NAMESPACE.search(etree.QName(message.element).namespace or "")
    return match[0] if match else family


def _statement(element: Part, family: str, number: int, notes: list[Note]) -> Statement:
    place = f"statement {number}"
    balances = _balances(element, place)
    account = _account(element, balances, place)
    frame = Frame(
        account_key=account.key,
        currency=account.currency,
        iban=account.iban,
        owner=account.owner,
        day=_own_day(element, balances, place),
    )
    transactions = tuple(_entries(element, frame, place, notes))
    opening, closing = _bounds(balances, family)
    shown = closing or _latest([balance for code, balance in balances if code == "ITBD"])
    shown = shown if shown and shown.currency == account.currency else None
    return Statement(
        place=place,
        account=account,
        balances=_distinct(balances),
        opening=opening,
        closing=closing,
        balance=shown.amount if shown else None,
        balance_at=_moment(element, shown),
        transactions=transactions,
        complete=_period(element, opening, closing, transactions, place) if family == "camt.053" else None,
    )


def _account(element: Part, balances: list[tuple[str, Balance]], place: str) -> StatedAccount:
    account = find(element, "Acct")
    if account is None:
        raise FileInvalid(f"{place}, line {element.line}: the element Acct is missing.")
    declared = words(account, "Id/IBAN")
    other = words(account, "Id/Othr/Id|Id/PrtryAcct/Id|Id/BBAN|Id/UPIC")
    iban = "".join(declared.split()).upper() if declared else values.as_iban(other or "")
    number = iban or other
    if not number:
        raise FileInvalid(f"{place}, line {account.line}: the account has no number (Acct/Id).")
    institution = words(account, "Svcr/FinInstnId/BICFI|Svcr/FinInstnId/BIC")
    member = institution or words(
        account, "Svcr/FinInstnId/ClrSysMmbId/MmbId|Svcr/FinInstnId/CmbndId/ClrSysMmbId/MmbId"
    )
    return StatedAccount(
        key=iban or (f"{member}/{other}" if member else number),
        number=number,
        iban=iban,
        bban=words(account, "Id/BBAN"),
        bic=institution,
        currency=_account_currency(element, account, balances, place),
        name=words(account, "Nm"),
        owner=words(account, "Ownr/Nm|Ownr/Pty/Nm"),
        type=_ACCOUNT_TYPES.get(words(account, "Tp/Cd") or "", AccountType.CURRENT),
        raw=source(account),
    )


def _account_currency(
    element: Part, account: Part, balances: list[tuple[str, Balance]], place: str
) -> str:
    if stated := words(account, "Ccy"):
        return values.currency(stated, f"{place}, element Ccy")
    if balances:
        return balances[0][1].currency
    for amount in find_all(element, "Ntry/Amt"):
        if code := amount.get("Ccy"):
            return values.currency(code, f"{place}, line {amount.line}, attribute Ccy")
    raise FileInvalid(f"{place}: no currency is stated, neither for the account nor for an amount.")


def _balances(element: Part, place: str) -> list[tuple[str, Balance]]:
    """The balances whose type we know, with their code, in the order of the file."""
    account_currency = words(element, "Acct/Ccy")
    stated = []
    for number, balance in enumerate(find_all(element, "Bal"), 1):
        code = words(balance, "Tp/CdOrPrtry/Cd|Tp/Cd")
        kind = _BALANCE_KINDS.get(code or "")
        if code and kind:
            stated.append((code, _balance(balance, kind, account_currency, f"{place}, balance {number}")))
    return stated


def _balance(balance: Part, kind: str, account_currency: str | None, place: str) -> Balance:
    amount = find(balance, "Amt")
    day = words(balance, "Dt/Dt|Dt/DtTm")
    if amount is None or not amount.text or day is None:
        raise FileInvalid(f"{place}, line {balance.line}: a balance needs an amount and a date.")
    code = amount.get("Ccy") or account_currency
    if code is None:
        raise FileInvalid(f"{place}, line {amount.line}: the amount has no currency.")
    number = values.decimal(amount.text, f"{place}, line {amount.line}, element Amt")
    debit = words(balance, "CdtDbtInd") == "DBIT"
    return Balance(kind, -number if debit else number, values.currency(code, place), values.iso_day(day, place))


def _distinct(balances: list[tuple[str, Balance]]) -> tuple[Balance, ...]:
    """One balance per kind, currency and day. Yesterday's closing (PRCD) is left out beside today's opening."""
    opened = any(code == "OPBD" for code, _ in balances)
    kept: dict[tuple[str, str, date], tuple[str, Balance]] = {}
    for code, balance in balances:
        if code == "PRCD" and opened:
            continue
        place = (balance.kind, balance.currency, balance.day)
        held = kept.get(place)
        if held is None or _BALANCE_RANK.index(code) <= _BALANCE_RANK.index(held[0]):
            kept[place] = (code, balance)
    return tuple(balance for _, balance in kept.values())


def _bounds(balances: list[tuple[str, Balance]], family: str) -> tuple[Balance | None, Balance | None]:
    """The booked balances before and after the entries.

    Reports list a part of a day and often only what is new, so an interim balance bounds nothing there.
    """
    opening = [balance for code, balance in balances if code == "OPBD"]
    opening = opening or [balance for code, balance in balances if code == "PRCD"]
    closing = [balance for code, balance in balances if code == "CLBD"]
    interim = [balance for code, balance in balances if code == "ITBD"]
    if family == "camt.053" and interim and not (opening and closing):
        # A page in the middle of a statement starts or ends with an interim balance.
        opening = opening or interim[:1]
        closing = closing or interim[-1:] if opening != interim or len(interim) > 1 else closing
    return (min(opening, key=_day, default=None), _latest(closing))


def _latest(balances: list[Balance]) -> Balance | None:
    return max(balances, key=_day, default=None)


def _day(balance: Balance) -> date:
    return balance.day


def _moment(element: Part, shown: Balance | None) -> datetime | None:
    """When the shown balance was true: to the second where it is printed so, else at the end of its day."""
    if shown is None:
        return None
    for balance in find_all(element, "Bal"):
        printed = words(balance, "Dt/DtTm") or ""
        same = _BALANCE_KINDS.get(words(balance, "Tp/CdOrPrtry/Cd|Tp/Cd") or "") == shown.kind
        # Midnight stands for a day without a time.
        if same and printed.startswith(shown.day.isoformat()) and "T00:00:00" not in printed:
            return _utc(printed) or values.end_of(shown.day)
    return values.end_of(shown.day)


def _utc(printed: str) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(printed)
        return stamp.astimezone(UTC) if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _own_day(element: Part, balances: list[tuple[str, Balance]], place: str) -> date | None:
    """The day of an entry that names none: it counts on this statement."""
    closing = _latest([balance for code, balance in balances if code == "CLBD"])
    if closing:
        return closing.day
    made = words(element, "CreDtTm")
    return values.iso_day(made, f"{place}, element CreDtTm") if made else None


def _entries(element: Part, frame: Frame, place: str, notes: list[Note]) -> Iterator[TransactionRecord]:
    left_out = 0
    for number, entry in enumerate(find_all(element, "Ntry"), 1):
        record = read_entry(entry, frame, f"{place}, entry {number}")
        if record is None:
            left_out += 1
        else:
            yield record
    if left_out:
        text = f"{place}: {left_out} entries are for information only (status INFO) and were left out."
        notes.append(Note(code="skipped", text=text, account_key=frame.account_key))


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
