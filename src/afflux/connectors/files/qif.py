"""QIF, the Quicken Interchange Format: lines of one letter and a value, records ended by `^`.

The format names neither currency nor, often, the account; the mapping's `currency` and `account` do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from afflux.connectors.files import values
from afflux.connectors.files.amounts import decimal_mark, money
from afflux.connectors.files.dates import Reader, day_reader
from afflux.connectors.files.mapping import FileMapping
from afflux.connectors.files.safety import FileInvalid, check_count, check_text
from afflux.connectors.files.statement import Note, Reading, StatedAccount, Statement
from afflux.domain.records import AccountType, KeyQuality, TransactionRecord, TransactionType

_HEADER = re.compile(r"^!(Type:|Account\b|Option:|Clear:)", re.IGNORECASE | re.MULTILINE)
#: What some programs write before the first header.
_REMARKS = re.compile(r"(?:[ \t]*(?:#.*|\^)?\n)*")
_ACCOUNT_TYPES = {
    "ccard": AccountType.CARD,
    "oth l": AccountType.LOAN,
    "oth a": AccountType.OTHER,
    "cash": AccountType.OTHER,
    "bank": AccountType.CURRENT,
}
#: What field N says where it is not the number of a cheque.
_WORDS = {
    "ATM": TransactionType.CASH,
    "DEP": TransactionType.DEPOSIT,
    "DEPOSIT": TransactionType.DEPOSIT,
    "TXFR": TransactionType.TRANSFER,
    "XFER": TransactionType.TRANSFER,
    "TRANSFER": TransactionType.TRANSFER,
    "POS": TransactionType.CARD,
    "CARD": TransactionType.CARD,
}


@dataclass(slots=True)
class Entry:
    """One record: its lines, and the values of its single letters."""

    line: int
    lines: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def add(self, line: str) -> None:
        """Keep a line; of a repeated letter (addresses, splits) the first counts."""
        self.lines.append(line)
        self.values.setdefault(line[0], line[1:].strip())


@dataclass(slots=True)
class Section:
    """The records of one account."""

    kind: str
    account: str | None
    entries: list[Entry] = field(default_factory=list)


def is_qif(text: str) -> bool:
    """Whether this is QIF: a header line, or bare records."""
    start = _remarks(text)
    head = text[start : start + 4096].lstrip()
    bare = (
        re.match(r"[DTUPMNCL]", head) and re.search(r"^D.*[0-9]", head, re.M) and re.search(r"^[TU][-+0-9]", head, re.M)
    )
    return bool(_HEADER.match(head) or (bare and re.search(r"^\^\s*$", head, re.M)))


def _remarks(text: str) -> int:
    match = _REMARKS.match(text)
    return match.end() if match else 0


def read_qif(text: str, mapping: FileMapping) -> Reading:
    """The records of every bank, card, cash and other account; investment and list sections are named in notes."""
    notes: list[Note] = []
    sections = list(_sections(text, notes))
    if not sections:
        raise FileInvalid("The QIF file holds no bank, card or cash section.")
    entries = [entry for section in sections for entry in section.entries]
    check_count(len(entries))
    reader = day_reader([entry.values.get("D", "") for entry in entries], mapping.date_format)
    mark = mapping.decimal_mark or decimal_mark(_amount(entry) for entry in entries)
    if mapping.constants.currency is None:
        notes.append(Note(code="currency_unknown", text='QIF names no currency; give "currency" in the mapping.'))
    statements = tuple(
        _statement(section, number, mapping, reader, mark, notes) for number, section in enumerate(sections, 1)
    )
    return Reading(format="qif", statements=statements, notes=tuple(notes))


def _sections(text: str, notes: list[Note]) -> Iterator[Section]:
    """Sections in order. An `!Account` record names the account of the section behind it."""
    account: str | None = None
    for header, entries in _parts(text):
        kind = header.partition(":")[2].strip().casefold()
        if header.casefold().startswith("!account"):
            account = entries[-1].values.get("N") if entries else account
        elif kind in _ACCOUNT_TYPES:
            yield Section(kind, account, entries)
        elif entries and kind not in ("cat", "class", "memorized", "prices", "security", "budget", "tag", "template"):
            notes.append(
                Note(
                    code="skipped",
                    text=f"The section {values.shown(header)} was left out: only bank, card and cash are read.",
                )
            )


def _parts(text: str) -> Iterator[tuple[str, list[Entry]]]:
    header, entries = "!Type:Bank", list[Entry]()
    entry: Entry | None = None
    start = _remarks(text)
    for number, raw in enumerate(text[start:].split("\n"), text.count("\n", 0, start) + 1):
        line = raw.strip()
        if line.startswith("!"):
            entries += [entry] if entry else []
            if entries or header.casefold() != "!type:bank":
                yield header, entries
            header, entries, entry = line, [], None
        elif line.startswith("^"):
            entries += [entry] if entry else []
            entry = None
        elif line:
            entry = entry or Entry(number)
            entry.add(line)
    if entry:
        raise FileInvalid(f"Line {entry.line}: the last record is not ended by ^; the file was cut off.")
    yield header, entries


def _statement(
    section: Section, number: int, mapping: FileMapping, reader: Reader, mark: str, notes: list[Note]
) -> Statement:
    name = section.account or mapping.constants.account
    if name is None:
        notes.append(
            Note(code="account_unknown", text=f'Section {number} names no account; give "account" in the mapping.')
        )
    iban = values.as_iban(name or "")
    account = StatedAccount(
        key=iban or name or f"qif/{section.kind}",
        key_quality=KeyQuality.PROVIDER if name else KeyQuality.POSITIONAL,
        number=iban or "",
        iban=iban,
        name=mapping.constants.name or name or "QIF",
        currency=mapping.constants.currency or values.NO_CURRENCY,
        type=_ACCOUNT_TYPES[section.kind],
    )
    records = tuple(_record(entry, account, reader, mark) for entry in section.entries)
    return Statement(place=f"section {number}", account=account, transactions=records)


def _amount(entry: Entry) -> str:
    return entry.values.get("T") or entry.values.get("U") or ""


def _record(entry: Entry, account: StatedAccount, reader: Reader, mark: str) -> TransactionRecord:
    place = f"line {entry.line}"
    given = entry.values
    if not given.get("D") or not _amount(entry):
        raise FileInvalid(f"{place}: a record needs a date (D) and an amount (T).")
    number = given.get("N", "")
    check = number if number.isascii() and number.isdigit() and int(number[:20]) else None
    return TransactionRecord(
        account_key=account.key,
        key_quality=KeyQuality.DERIVED,
        amount=money(_amount(entry), f"{place}, field T", mark),
        currency=account.currency,
        booking_date=reader(given["D"], f"{place}, field D"),
        type=_type(given, check),
        text=check_text(" ".join(f"{given.get('P', '')} {given.get('M', '')}".split()), place),
        counterparty=given.get("P") or None,
        references=values.references({"number": None if check else number}),
        check_number=check,
        raw=check_text("\n".join(entry.lines), place),
    )


def _type(given: dict[str, str], check: str | None) -> TransactionType:
    if check:
        return TransactionType.CHECK
    # A category in brackets is another account of the same books.
    transfer = given.get("L", "").startswith("[")
    return _WORDS.get(given.get("N", "").upper(), TransactionType.TRANSFER if transfer else TransactionType.OTHER)
