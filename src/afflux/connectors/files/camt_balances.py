"""The balances of a camt statement: what they are called, which of them bound its entries, which one is shown."""

from datetime import UTC, date, datetime

from afflux.connectors.files import values
from afflux.connectors.files.safety import FileInvalid
from afflux.connectors.files.statement import Note
from afflux.connectors.files.xml import Part, each, find, words
from afflux.domain.records import Balance

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


def stated_balances(element: Part, place: str, notes: list[Note]) -> list[tuple[str, Balance]]:
    """The balances whose type we know, with their code, in the order of the file."""
    account_currency = words(element, "Acct/Ccy")
    stated = []
    for number, balance in enumerate(each(element, "Bal"), 1):
        code = words(balance, "Tp/CdOrPrtry/Cd|Tp/Cd")
        kind = _BALANCE_KINDS.get(code or "")
        if code and kind:
            where = f"{place}, balance {number}, line {balance.line}"
            read = _balance(balance, kind, account_currency, where)
            stated += [(code, read)] if read else []
            if read is None:
                notes.append(Note(code="skipped", text=f"{where}: a balance without amount or date was left out."))
    return stated


def _balance(balance: Part, kind: str, account_currency: str | None, place: str) -> Balance | None:
    amount = find(balance, "Amt")
    day = words(balance, "Dt/Dt|Dt/DtTm")
    if amount is None or not amount.text or day is None:
        return None
    code = amount.get("Ccy") or account_currency
    if code is None:
        raise FileInvalid(f"{place}: the amount has no currency.")
    number = values.decimal(amount.text, f"{place}, element Amt")
    debit = words(balance, "CdtDbtInd") == "DBIT"
    return Balance(kind, -number if debit else number, values.currency(code, place), values.iso_day(day, place))


def distinct(balances: list[tuple[str, Balance]]) -> tuple[Balance, ...]:
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


def bounds(balances: list[tuple[str, Balance]], family: str) -> tuple[Balance | None, Balance | None]:
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
    return (min(opening, key=_day, default=None), latest(closing))


def latest(balances: list[Balance]) -> Balance | None:
    return max(balances, key=_day, default=None)


def _day(balance: Balance) -> date:
    return balance.day


def moment(element: Part, shown: Balance | None) -> datetime | None:
    """When the shown balance was true: to the second where it is printed so, else at the end of its day."""
    if shown is None:
        return None
    for balance in each(element, "Bal"):
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
