"""Scripts: text files that say what the Afflux Test Bank (provider 87) holds for one login.

One record a line, fields separated by `|`; empty lines and lines that begin with `#` count for nothing. The format is
that of the Oxlin test bank (contract: section 3.2).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from afflux.connectors.sandbox.books import Book, fixed
from afflux.domain.records import AccountRecord, AccountType, TransactionRecord

#: Bytes.
LARGEST = 256 * 1024
#: Logins that are the name of a file and nothing else.
_LOGIN = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9_@+.-]{0,99}")
_TYPES = {
    "checkings": AccountType.CURRENT,
    "savings": AccountType.SAVINGS,
    "loans": AccountType.LOAN,
    "creditcard": AccountType.CARD,
}
_AMOUNT = re.compile(r"[+-]?\d{1,15}([.,]\d{1,4})?", re.ASCII)
_DAY = re.compile(r"\d\d/\d\d/\d\d", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")
#: Fields of an account line, its own name included: those that have to be there, and all.
_LEAST, _MOST = 6, 14

T = TypeVar("T")


class ScriptError(Exception):
    """A script cannot be read. Says which file and line and what is wrong with it, and repeats no value."""


@dataclass(slots=True)
class Account:
    """An account line and the transaction lines below it."""

    record: AccountRecord
    rows: list[TransactionRecord] = field(default_factory=list)

    @property
    def book(self) -> Book:
        """The account as the bank shows it: all of it, each time."""
        since = min((row.day for row in self.rows), default=None)
        return Book(self.record, fixed(self.rows), whole=True, since=since)


@dataclass(slots=True)
class Script:
    """What a file says."""

    #: Passwords by login; nobody else may log in, where there are any.
    credentials: dict[str, str] = field(default_factory=dict)
    owner: str | None = None
    accounts: list[Account] = field(default_factory=list)

    @property
    def books(self) -> list[Book]:
        """Every account with its movements."""
        return [account.book for account in self.accounts]


def find(folder: Path, login: str) -> Script | None:
    """The script of a login, `<login>.txt` in the folder; None where there is none. Raises `ScriptError`."""
    if not _LOGIN.fullmatch(login):
        return None
    path = folder / f"{login}.txt"
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ScriptError(f"{path.name} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise ScriptError(f"{path.name} has more than {LARGEST // 1024} KiB")
    return parse(path.name, content)


def parse(name: str, content: bytes) -> Script:
    """Read a script. Raises `ScriptError`."""
    script = Script()
    for number, line in enumerate(content.split(b"\n"), 1):
        try:
            _take(script, line.decode("utf-8-sig").strip())
        except UnicodeDecodeError:
            raise ScriptError(f"{name}, line {number}: not UTF-8") from None
        except ValueError as error:
            raise ScriptError(f"{name}, line {number}: {error}") from None
    return script


def _take(script: Script, line: str) -> None:
    """Add what a line says. Raises `ValueError`."""
    if not line or line.startswith("#"):
        return
    word, _, rest = line.partition("|")
    if word not in _RECORDS:
        raise ValueError("begins with none of CREDENTIALS, CREDENTIALS_OWNER, ACCOUNT and TRANSACTION")
    _RECORDS[word](script, rest)


def _credentials(script: Script, rest: str) -> None:
    login, separator, password = rest.partition("|")
    if not (login and separator and password):
        raise ValueError("needs a login and a password")
    script.credentials[login] = password


def _owner(script: Script, rest: str) -> None:
    if not rest:
        raise ValueError("needs a name")
    script.owner = rest


def _account(script: Script, rest: str) -> None:
    given = ["ACCOUNT", *(part.strip() for part in rest.split("|"))]
    if not _LEAST <= len(given) <= _MOST:
        raise ValueError(f"an account has {_LEAST} to {_MOST} fields")
    fields: Iterator[str] = iter(given[1:] + [""] * (_MOST - len(given)))
    uid, number, day, balance, kind, _regexp, _existing, owner, name, _source, _destination, iban, currency = fields
    if not uid or len(uid) > 200 or any(account.record.key == uid for account in script.accounts):
        raise ValueError("the account needs a uid of its own")
    if currency and not _CURRENCY.fullmatch(currency):
        raise ValueError("the currency is not three capital letters")
    record = AccountRecord(
        key=uid,
        type=_named(_TYPES, kind.lower()),
        name=name or number or uid,
        number=number,
        iban=iban.replace(" ", "") or None,
        currency=currency or "EUR",
        balance=_amount(balance),
        balance_at=datetime.combine(_day(day), time.min, UTC),
        owner=owner or script.owner,
    )
    script.accounts.append(Account(record))


def _transaction(script: Script, rest: str) -> None:
    if not script.accounts:
        raise ValueError("a transaction follows its account")
    amount, _, rest = rest.partition("|")
    day, separator, label = rest.partition("|")
    if not separator:
        raise ValueError("a transaction has an amount, a day and a label")
    account = script.accounts[-1].record
    booked = _day(day.strip())
    script.accounts[-1].rows.append(
        TransactionRecord(
            account_key=account.key,
            amount=_amount(amount.strip()),
            currency=account.currency,
            booking_date=booked,
            value_date=booked,
            text=label.strip(),
        )
    )


_RECORDS: dict[str, Callable[[Script, str], None]] = {
    "CREDENTIALS": _credentials,
    "CREDENTIALS_OWNER": _owner,
    "ACCOUNT": _account,
    "TRANSACTION": _transaction,
}


def _named(names: dict[str, T], word: str) -> T:
    if word not in names:
        raise ValueError("the type is none of Checkings, Savings, Loans and CreditCard")
    return names[word]


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise ValueError("the amount is no number with up to four decimals")
    return Decimal(text.replace(",", "."))


def _day(text: str) -> date:
    if _DAY.fullmatch(text):
        day, month, year = map(int, text.split("/"))
        try:
            return date(2000 + year, month, day)
        except ValueError:
            pass
    raise ValueError("the day is not DD/MM/YY")
