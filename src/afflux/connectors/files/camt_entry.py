"""One camt entry as one movement.

The entry is what moved on the account. Its details (`TxDtls`) tell who and why; several of them, in a batch booking,
stay one movement.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree

from afflux.connectors.files import values
from afflux.connectors.files.bank_codes import type_of_camt
from afflux.connectors.files.camt_parties import counterparty
from afflux.connectors.files.safety import FileInvalid, check_text
from afflux.connectors.files.xml import Part, each, find, source, words
from afflux.domain.records import KeyQuality, TransactionRecord, TransactionStatus

#: Details whose texts make up a batch's text; the rest is in `raw`.
_TEXT_DETAILS = 10
#: Characters of one entry's XML that are kept as `raw`.
_MAX_RAW = 256 * 1024
#: A running number within one statement is no identifier.
_RUNNING_NUMBER = re.compile(r"[0-9]{1,4}|0*[0-9]")

_REFERENCES = {
    "account_servicer": "Refs/AcctSvcrRef",
    "message": "Refs/MsgId",
    "payment_information": "Refs/PmtInfId",
    "instruction": "Refs/InstrId",
    "end_to_end": "Refs/EndToEndId",
    "uetr": "Refs/UETR",
    "transaction": "Refs/TxId",
    "mandate": "Refs/MndtId",
    "clearing": "Refs/ClrSysRef",
    "creditor": "RltdPties/Cdtr/Id/PrvtId/Othr/Id|RltdPties/Cdtr/Pty/Id/PrvtId/Othr/Id",
    "remittance": "RmtInf/Strd/CdtrRefInf/Ref|RmtInf/Strd/CdtrRefInf/CdtrRef",
    "check": "Refs/ChqNb",
    "return_reason": "RtrInf/Rsn/Cd|RtrInf/Rsn/Prtry|RtrInf/RtrRsn/Cd",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What an entry takes from the statement around it."""

    account_key: str
    currency: str
    iban: str | None
    owner: str | None
    #: The day that an undated entry counts on.
    day: date | None


def read_entry(entry: Part, frame: Frame, place: str) -> TransactionRecord | None:
    """The movement, or None for an entry that is for information only."""
    place = f"{place}, line {entry.line}"
    status = words(entry, "Sts|Sts/Cd|Sts/Prtry")
    if status == "INFO":
        return None
    details = [*each(entry, "NtryDtls/TxDtls"), *each(entry, "TxDtls")]
    single = details[0] if len(details) == 1 else None
    amount, currency = _amount(entry, frame, place)
    references = _references(entry, details)
    check = references.pop("check", None)
    key = _key(entry, references)
    original_amount, original_currency = _original(entry, single, amount, currency, place)
    party, party_account = counterparty(entry, details, frame, incoming=amount > 0)
    booking, value, transaction = _days(entry, single, frame, place)
    return TransactionRecord(
        account_key=frame.account_key,
        key=key,
        key_quality=KeyQuality.PROVIDER if key else KeyQuality.DERIVED,
        status=TransactionStatus.PENDING if status in ("PDNG", "FUTR") else TransactionStatus.BOOKED,
        amount=amount,
        currency=currency,
        booking_date=booking,
        value_date=value,
        transaction_date=transaction,
        type=type_of_camt(entry, single),
        text=check_text(_text(entry, details), place),
        counterparty=party,
        counterparty_account=party_account,
        references=references,
        check_number=check,
        original_amount=original_amount,
        original_currency=original_currency,
        raw=_raw(entry),
    )


def _amount(entry: Part, frame: Frame, place: str) -> tuple[Decimal, str]:
    """The signed amount.

    `CdtDbtInd` says what happened to the account, for a reversal too: `RvslInd` only tells that the entry takes back an
    earlier one of the opposite sign, so it never turns the sign (ISO 20022 message definition, ReversalIndicator).
    """
    element = find(entry, "Amt")
    indicator = words(entry, "CdtDbtInd")
    if element is None or not element.text:
        raise FileInvalid(f"{place}: the element Amt is missing or empty.")
    number = values.decimal(element.text, f"{place}, element Amt")
    if indicator not in ("CRDT", "DBIT"):
        raise FileInvalid(f"{place}: CdtDbtInd must be CRDT or DBIT.")
    code = element.get("Ccy") or frame.currency
    return (-number if indicator == "DBIT" else number), values.currency(code, f"{place}, attribute Ccy")


def _days(entry: Part, single: Part | None, frame: Frame, place: str) -> tuple[date | None, date | None, date | None]:
    """Booking, value and transaction date. An entry without any of them counts on the day of its statement."""
    booking = _date(entry, "BookgDt/Dt|BookgDt/DtTm", place)
    value = _date(entry, "ValDt/Dt|ValDt/DtTm", place)
    transaction = None
    if single is not None:
        transaction = _date(single, "RltdDts/TxDtTm|RltdDts/AccptncDtTm", place)
        value = value or _date(single, "RltdDts/IntrBkSttlmDt", place)
    if booking or value or transaction:
        return booking, value, transaction
    if frame.day is None:
        raise FileInvalid(f"{place}: the entry has no date.")
    return frame.day, None, None


def _date(element: Part, path: str, place: str) -> date | None:
    text = words(element, path)
    return values.iso_day(text, f"{place}, element {path.split('/')[0]}") if text else None


def _references(entry: Part, details: list[Part]) -> dict[str, str]:
    found = _shared(details)
    found["account_servicer"] = words(entry, "AcctSvcrRef") or found.get("account_servicer")
    found["entry"] = words(entry, "NtryRef")
    found["message"] = found.get("message") or words(entry, "NtryDtls/Btch/MsgId")
    found["payment_information"] = found.get("payment_information") or words(entry, "NtryDtls/Btch/PmtInfId")
    found["charges"] = _charges(entry, details)
    return values.references(found)


def _shared(details: list[Part]) -> dict[str, str | None]:
    """The references that all details share; one in which the payments of a batch differ is left out."""
    shared = {name: words(details[0], path) for name, path in _REFERENCES.items()} if details else {}
    for detail in details[1:]:
        shared = {name: text for name, text in shared.items() if text and words(detail, _REFERENCES[name]) == text}
        detail.forget()
    return shared


def _charges(entry: Part, details: list[Part]) -> str | None:
    """Bank charges within the amount, as stated."""
    holders = [entry, *details] if len(details) == 1 else [entry]
    for holder in holders:
        total = find(holder, "Chrgs/TtlChrgsAndTaxAmt")
        amounts = [total] if total else [*each(holder, "Chrgs/Rcrd/Amt")] or [*each(holder, "Chrgs/Amt")]
        stated = [f"{amount.text} {amount.get('Ccy') or ''}".strip() for amount in amounts]
        if stated:
            return ", ".join(stated)
    return None


def _key(entry: Part, references: dict[str, str]) -> str | None:
    """The servicer's reference. A reversal may repeat the reference of what it reverses, so it is told apart."""
    key = references.get("account_servicer")
    if key is None or _RUNNING_NUMBER.fullmatch(key):
        return None
    return f"{key}/reversal" if words(entry, "RvslInd") in ("true", "1") else key


def _original(
    entry: Part, single: Part | None, amount: Decimal, currency: str, place: str
) -> tuple[Decimal | None, str | None]:
    """The amount in the currency of the purchase, signed like the movement, where that currency differs."""
    for holder in (single, entry):
        for path in ("AmtDtls/InstdAmt/Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt", "Amt"):
            element = find(holder, path) if holder is not None and (holder is not entry or "/" in path) else None
            code = element.get("Ccy") if element is not None else None
            if element is None or not code or code == currency or not element.text:
                continue
            number = values.decimal(element.text, f"{place}, element {element.name}")
            if number:
                return number.copy_sign(amount), values.currency(code, place)
    return None, None


def _text(entry: Part, details: list[Part]) -> str:
    """The bank's own words and the remittance lines, each once, in the order of the message."""
    parts: dict[str, None] = {}
    if additional := words(entry, "AddtlNtryInf"):
        parts[additional] = None
    for detail in details[:_TEXT_DETAILS]:
        for path in ("RmtInf/Ustrd", "RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/AddtlRmtInf", "AddtlTxInf"):
            for element in each(detail, path):
                parts.setdefault(element.text)
    parts.pop("", None)
    return " ".join(parts)


def _raw(entry: Part) -> str:
    raw = source(entry)
    if len(raw) <= _MAX_RAW:
        return raw
    # A batch of thousands: its payments are left out of the copy, never out of the amount.
    for holder in each(entry, "NtryDtls"):
        payments = list(each(holder, "TxDtls"))
        for payment in payments[_TEXT_DETAILS:]:
            holder.element.remove(payment.element)
        if len(payments) > _TEXT_DETAILS:
            holder.element.append(etree.Comment(f" {len(payments) - _TEXT_DETAILS} more details left out "))
    shortened = source(entry)
    return check_text(shortened, "entry") if len(shortened) > _MAX_RAW else shortened
