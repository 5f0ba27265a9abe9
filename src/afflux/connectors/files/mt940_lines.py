"""MT940's statement line (field 61) and balances (fields 60, 62, 64, 65)."""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from afflux.connectors.files import values
from afflux.connectors.files.bank_codes import type_of_gvc, type_of_swift
from afflux.connectors.files.mt940_details import Details, original_amount, read_details
from afflux.connectors.files.safety import FileInvalid, check_text
from afflux.domain.records import Balance, KeyQuality, TransactionRecord, TransactionStatus, TransactionType

_LINE = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4})?\s*"
    r"(?P<mark>R[CD]|E[CD]|[CD])(?P<funds>[A-Z])?\s*"
    r"(?P<amount>[0-9]*(?:,[0-9]*|\.[0-9]{0,2})?)\s*"
    r"(?:(?P<type>[A-Z][A-Z0-9 ]{3}|[A-Z][A-Z0-9]{0,2}(?=[\s/]|$))|(?=[\s/]|$))"
    r"(?P<rest>.*)",
    re.DOTALL,
)
_BALANCE = re.compile(
    r"\s*(?P<mark>[CD])\s*(?P<day>[0-9]{6})\s*(?P<currency>[A-Z]{3})?\s*(?P<amount>[0-9]*(?:,[0-9]*|\.[0-9]{0,2})?)\s*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a line takes from the statement around it."""

    account_key: str
    currency: str


def read_balance(text: str, kind: str, currency: str | None, place: str) -> Balance:
    """A balance such as `C131130CHF229,2`; `currency` stands in where the bank leaves it out."""
    match = _BALANCE.fullmatch(text)
    if match is None:
        raise FileInvalid(f"{place}: {values.shown(text)} is not a balance.")
    number = values.decimal(match["amount"], place, ",")
    day = _day(match["day"], place)
    stated = match["currency"] or currency or values.NO_CURRENCY
    return Balance(kind, -number if match["mark"] == "D" else number, stated, day)


def read_line(text: str, details: list[str], extra: str, frame: Frame, place: str) -> TransactionRecord:
    """One movement: the line, and the fields 86 and NS behind it.

    A reversal of a credit (RC) takes money away, a reversal of a debit (RD) gives it back. Expected movements (EC, ED,
    in interim reports) are pending; all others are booked.
    """
    match = _LINE.fullmatch(text)
    if match is None:
        raise FileInvalid(f"{place}: {values.shown(text)} is not a statement line.")
    value = _day(match["value"], place)
    amount = _signed(match["amount"], match["mark"], place)
    customer, bank, supplement = _references(match["rest"])
    told = read_details(details, extra)
    original = _original(told.original or original_amount(supplement), frame, amount)
    kind = _type(match["type"] or "", told)
    return TransactionRecord(
        account_key=frame.account_key,
        key=None,
        key_quality=KeyQuality.DERIVED,
        status=TransactionStatus.PENDING if match["mark"].startswith("E") else TransactionStatus.BOOKED,
        amount=amount,
        currency=frame.currency,
        booking_date=_entry_day(match["entry"], value, place) if match["entry"] else None,
        value_date=value,
        type=kind,
        text=check_text(told.text or supplement, place),
        counterparty=told.name,
        counterparty_account=told.account or values.as_iban(supplement.split("\n")[0]),
        references=told.references
        | values.references({"customer": customer, "bank": bank, "supplementary": supplement}),
        check_number=customer if kind is TransactionType.CHECK and customer.isdigit() else None,
        original_amount=original[0],
        original_currency=original[1],
        raw="\n".join([f":61:{text}", *(f":86:{one}" for one in details), *([f":NS:{extra}"] if extra else [])]),
    )


def _signed(text: str, mark: str, place: str) -> Decimal:
    number = values.decimal(text, place, ",")
    return -number if mark in ("D", "RC", "ED") else number


def _type(code: str, told: Details) -> TransactionType:
    kind = type_of_gvc(told.code) if told.code else TransactionType.OTHER
    return kind if kind is not TransactionType.OTHER else type_of_swift(code[1:])


def _references(rest: str) -> tuple[str, str, str]:
    """Customer's reference, bank's reference, and the supplementary lines."""
    first, _, supplement = rest.partition("\n")
    customer, _, bank = first.partition("//")
    return customer.strip(), bank.strip(), supplement.strip()


def _original(
    stated: tuple[Decimal, str] | None, frame: Frame, amount: Decimal
) -> tuple[Decimal, str] | tuple[None, None]:
    """The amount in another currency, signed like the movement."""
    if stated is None or stated[1] == frame.currency or not stated[0]:
        return None, None
    return stated[0].copy_sign(amount), stated[1]


def _day(text: str, place: str) -> date:
    """YYMMDD. Banks that count every month with 30 days print a 30 February: it is the month's last day."""
    year, month, day = values.full_year(int(text[:2])), int(text[2:4]), int(text[4:])
    if 1 <= month <= 12 and 28 < day <= 31:
        day = min(day, calendar.monthrange(year, month)[1])
    return values.make_day(year, month, day, text, place)


def _entry_day(text: str, value: date, place: str) -> date:
    """MMDD, in the year that brings it nearest to the value date."""
    years = (year for year in (value.year - 1, value.year, value.year + 1))
    days = [_day(f"{year % 100:02}{text}", place) for year in years]
    return min(days, key=lambda day: abs((day - value).days))
