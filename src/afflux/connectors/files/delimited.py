"""CSV and its relatives, with a mapping that says which column is what."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from afflux.connectors.files import values
from afflux.connectors.files.amounts import decimal_mark, money
from afflux.connectors.files.dates import Reader, day_reader
from afflux.connectors.files.mapping import Column, FileMapping
from afflux.connectors.files.safety import MAX_TEXT, FileInvalid, check_count, check_text
from afflux.connectors.files.statement import Reading, StatedAccount, Statement
from afflux.connectors.files.text import decode
from afflux.domain.records import Balance, KeyQuality, TransactionRecord, TransactionStatus, TransactionType

_DATES = ("booking_date", "value_date", "transaction_date")
_AMOUNTS = ("amount", "debit", "credit", "balance", "original_amount")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it is, its cells by role, and its line as written."""

    line: int
    cells: Mapping[str, str]
    references: Mapping[str, str]
    raw: str

    @property
    def place(self) -> str:
        """For error lines."""
        return f"line {self.line}"

    def get(self, role: str) -> str:
        """The cell of a role, or nothing."""
        return self.cells.get(role, "")


def read_delimited(content: bytes, mapping: FileMapping) -> Reading:
    """Every row, in one statement per account and currency."""
    _check(mapping)
    rows = list(_rows(decode(content, mapping.encoding), mapping))
    if not rows:
        raise FileInvalid("The CSV file holds no rows.")
    reader = _Reader(rows, mapping)
    accounts: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        accounts.setdefault(reader.account(row), []).append(row)
    statements = (reader.statement(*account, part) for account, part in accounts.items())
    return Reading(format="csv", statements=tuple(statements))


def _check(mapping: FileMapping) -> None:
    columns = mapping.columns
    if not any(role in columns for role in _DATES):
        raise FileInvalid("Mapping, columns: booking_date, value_date or transaction_date is needed.")
    if "amount" not in columns and not ("debit" in columns or "credit" in columns):
        raise FileInvalid("Mapping, columns: amount, or debit and credit, is needed.")
    for role in ("account", "currency"):
        if role not in columns and getattr(mapping.constants, role) is None:
            raise FileInvalid(f'Mapping: give "{role}" for the whole file, or its column in "columns".')


def _rows(text: str, mapping: FileMapping) -> Iterator[Row]:
    lines = text.split("\n")[mapping.skip_rows :]
    body = "\n".join(lines)
    delimiter = mapping.delimiter or _delimiter(lines)
    cells = csv.reader(
        io.StringIO(body), delimiter=delimiter, quotechar=mapping.quote, skipinitialspace=delimiter != " "
    )
    table = list(_table(cells, mapping.skip_rows))
    header = table.pop(0)[1] if mapping.header and table else None
    places = {role: [_place(column, header) for column in columns] for role, columns in mapping.columns.items()}
    references = {name: _place(column, header) for name, column in mapping.references.items()}
    for line, row in table[: len(table) - mapping.skip_end]:
        yield Row(
            line,
            {role: " ".join(_cell(row, place) for place in columns).strip() for role, columns in places.items()},
            {name: _cell(row, place) for name, place in references.items()},
            delimiter.join(row),
        )


def _table(cells: Iterator[list[str]], skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything, with their line numbers."""
    reader = iter(cells)
    number = skipped
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FileInvalid(f"Line {number + 1}: the CSV is broken: {error}.") from None
        number += 1 + sum(cell.count("\n") for cell in row)
        if any(cell.strip() for cell in row):
            yield number, row


def _delimiter(lines: list[str]) -> str:
    """The usual separator that occurs most in the first line that has any."""
    head = next((line for line in lines if line.strip()), "")
    return max(";\t,|", key=head.count)


def _place(column: Column, header: list[str] | None) -> int:
    if isinstance(column, int):
        return column
    names = [name.strip().casefold() for name in header or []]
    if column.strip().casefold() not in names:
        raise FileInvalid(f"The column {values.shown(column)} of the mapping is not in the file's header.")
    return names.index(column.strip().casefold())


def _cell(row: list[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


class _Reader:
    """Reads rows by a mapping, with the date order and decimal mark of the whole file."""

    def __init__(self, rows: list[Row], mapping: FileMapping) -> None:
        check_count(len(rows))
        self.mapping = mapping
        self.day: Reader = day_reader(
            [row.get(role) for row in rows for role in _DATES if row.get(role)], mapping.date_format
        )
        self.mark = mapping.decimal_mark or decimal_mark(row.get(role) for row in rows for role in _AMOUNTS)

    def account(self, row: Row) -> tuple[str, str]:
        """Account number and currency of a row."""
        number = row.get("account") or self.mapping.constants.account
        stated = row.get("currency") or self.mapping.constants.currency
        if not number or not stated:
            raise FileInvalid(f"{row.place}: the row names no {'account' if not number else 'currency'}.")
        return values.as_iban(number) or number, values.currency(stated, f"{row.place}, currency")

    def statement(self, number: str, currency: str, rows: list[Row]) -> Statement:
        """The rows of one account; its balance is that of its last day, where the rows carry balances."""
        iban = values.as_iban(number)
        account = StatedAccount(
            key=number, number=number, iban=iban, currency=currency, name=self.mapping.constants.name
        )
        records = tuple(self._record(row, number, currency) for row in rows)
        balance = self._balance(rows, records, currency)
        return Statement(
            place="the file",
            account=account,
            balances=(balance,) if balance else (),
            balance=balance.amount if balance else None,
            balance_at=values.end_of(balance.day) if balance else None,
            transactions=records,
        )

    def _balance(self, rows: list[Row], records: tuple[TransactionRecord, ...], currency: str) -> Balance | None:
        stated = [(record.day, row) for row, record in zip(rows, records, strict=True) if row.get("balance")]
        if not stated:
            return None
        # Newest first or last: the row at the newer end of the file closes.
        day, row = stated[0] if stated[0][0] > stated[-1][0] else stated[-1]
        return Balance("booked", money(row.get("balance"), f"{row.place}, balance", self.mark), currency, day)

    def _record(self, row: Row, account: str, currency: str) -> TransactionRecord:
        days = {role: self._day(row, role) for role in _DATES}
        if not any(days.values()):
            raise FileInvalid(f"{row.place}: the row has no date.")
        amount = self._amount(row)
        key = values.reference(row.get("id"))
        pending = row.get("status").casefold() in self.mapping.pending_values
        original = row.get("original_currency")
        foreign = original and row.get("original_amount") and original.upper() != currency
        return TransactionRecord(
            account_key=account,
            key=key,
            key_quality=KeyQuality.PROVIDER if key else KeyQuality.DERIVED,
            status=TransactionStatus.PENDING if pending else TransactionStatus.BOOKED,
            amount=amount,
            currency=currency,
            booking_date=days["booking_date"],
            value_date=days["value_date"],
            transaction_date=days["transaction_date"],
            type=_type(row.get("type")),
            text=check_text(" ".join(row.get("text").split()), row.place),
            counterparty=row.get("counterparty") or None,
            counterparty_account="".join(row.get("counterparty_account").split()) or None,
            references=values.references(dict(row.references)),
            check_number=row.get("check_number") or None,
            original_amount=self._money(row, "original_amount").copy_sign(amount) if foreign else None,
            original_currency=values.currency(original, f"{row.place}, original_currency") if foreign else None,
            raw=_raw(row),
        )

    def _day(self, row: Row, role: str) -> date | None:
        return self.day(row.get(role), f"{row.place}, {role}") if row.get(role) else None

    def _money(self, row: Row, role: str) -> Decimal:
        return money(row.get(role), f"{row.place}, {role}", self.mark)

    def _amount(self, row: Row) -> Decimal:
        """From one signed column, one column and a sign, or a debit and a credit column."""
        if row.get("amount"):
            amount = self._money(row, "amount")
            if "sign" in self.mapping.columns:
                debit = row.get("sign").casefold() in self.mapping.debit_values
                amount = -abs(amount) if debit else abs(amount)
        else:
            amount = self._one_sided(row)
        return -amount if self.mapping.invert else amount

    def _one_sided(self, row: Row) -> Decimal:
        debit = abs(self._money(row, "debit")) if row.get("debit") else Decimal(0)
        credit = self._money(row, "credit") if row.get("credit") else Decimal(0)
        if not row.get("debit") and not row.get("credit"):
            raise FileInvalid(f"{row.place}: the row has no amount.")
        return credit - debit


def _type(word: str) -> TransactionType:
    name = word.strip().casefold().replace(" ", "_")
    return TransactionType(name) if name in list(TransactionType) else TransactionType.OTHER


def _raw(row: Row) -> str:
    if len(row.raw) > MAX_TEXT:
        raise FileInvalid(f"{row.place}: the row has {len(row.raw)} characters; at most {MAX_TEXT} are read.")
    return row.raw
