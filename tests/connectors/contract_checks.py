"""What the contract test looks at: what a core would hold, the order of messages, and secrets that show."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from afflux.connectors.base import Request
from afflux.domain.challenges import FormField
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import (
    AccountsListed,
    Checkpoint,
    Done,
    Failure,
    Message,
    Progress,
    Removed,
    StateUpdate,
)
from afflux.domain.records import AccountRecord, DocumentRecord, TransactionRecord

RECORDS = (AccountRecord, TransactionRecord, DocumentRecord)


@dataclass
class Held:
    """What a core keeps of one connection's runs."""

    first: Request
    #: Identities of accounts, transactions and documents.
    things: set[tuple[Any, ...]] = field(default_factory=set)
    cursors: dict[str, str] = field(default_factory=dict)
    state: bytes | None = None

    def take(self, messages: list[Message]) -> "Held":
        """Keep these; transactions only with their checkpoint."""
        seen: dict[tuple[Any, ...], int] = {}
        open_rows: dict[str, list[tuple[Any, ...]]] = {}
        for message in messages:
            match message:
                case TransactionRecord():
                    open_rows.setdefault(message.account_key, []).append(_identity(message, seen))
                case Checkpoint():
                    self.things.update(open_rows.pop(message.account_key, []))
                    if message.cursor is not None:
                        self.cursors[message.account_key] = message.cursor
                case AccountRecord():
                    self.things.add(("account", message.key))
                case DocumentRecord():
                    self.things.add(("document", message.key))
                case Removed():
                    self.things.discard(("transaction", message.account_key, message.key))
                case StateUpdate():
                    self.state = message.state
        return self

    def request(self) -> Request:
        """The next sync of the same connection."""
        return replace(self.first, state=self.state or self.first.state, cursors={**self.first.cursors, **self.cursors})


def _identity(record: TransactionRecord, seen: dict[tuple[Any, ...], int]) -> tuple[Any, ...]:
    """The key, or where there is none the content and how many times it was there before."""
    if record.key is not None:
        return ("transaction", record.account_key, record.key)
    content = ("transaction", record.account_key, record.amount, record.currency, record.day, record.text)
    seen[content] = seen.get(content, 0) + 1
    return (*content, seen[content])


class Order:
    """Watches the messages of a whole sync for what is out of order; `accounts` are those known from earlier runs."""

    def __init__(self, accounts: set[str]) -> None:
        self.faults: list[str] = []
        self._accounts = accounts
        self._keys: set[tuple[str, ...]] = set()
        self._unchecked: set[str] = set()
        self._percent = 0
        self._listed = False

    def take(self, message: Message) -> None:
        """Look at the next one."""
        match message:
            case Progress():
                self._progress(message.percent)
            case AccountsListed():
                self._listed = True
            case AccountRecord():
                self._account(message)
            case TransactionRecord():
                self._transaction(message)
            case Checkpoint():
                self._expect(message.account_key in self._accounts, "a checkpoint of an account nobody knows")
                self._unchecked.discard(message.account_key)
            case DocumentRecord():
                self._once("document", message.key)
            case Done():
                self._expect(not self._unchecked, "transactions without a checkpoint after them")

    def _expect(self, condition: bool, fault: str) -> None:
        if not condition:
            self.faults.append(fault)

    def _once(self, *key: str) -> None:
        self._expect(key not in self._keys, f"the same {key[0]} key twice")
        self._keys.add(key)

    def _progress(self, percent: int) -> None:
        self._expect(self._percent <= percent <= 100, f"progress {percent} after {self._percent}")
        self._percent = percent

    def _account(self, record: AccountRecord) -> None:
        self._expect(not self._listed, "an account after AccountsListed")
        self._accounts.add(record.key)
        self._once("account", record.key)

    def _transaction(self, record: TransactionRecord) -> None:
        self._expect(record.account_key in self._accounts, "a transaction before its account")
        self._unchecked.add(record.account_key)
        if record.key is not None:
            self._once("transaction", record.account_key, record.key)


def places(messages: list[Message], count: int) -> list[int]:
    """Where to cut: before everything, after everything, evenly between."""
    return sorted({round(step * len(messages) / count) for step in range(count + 1)})


def check_fits(asked: FormField, value: str | None) -> None:
    """Fail unless a form with this field takes the value."""
    if value is None:
        assert not asked.required, f"{asked.name} is required and the request has none"
        return
    assert not asked.digits or value.isdecimal(), f"{asked.name} takes digits only"
    assert len(value) >= (asked.min_length or 0), f"{asked.name} is too short for its form"
    assert len(value) <= (asked.max_length or len(value)), f"{asked.name} is too long for its form"


def failed(message: Message, code: SyncErrorCode) -> bool:
    """Whether this is a failure of this kind."""
    return isinstance(message, Failure) and message.code is code


def holds(value: Any, canary: str) -> bool:
    """Whether a text or bytes anywhere inside contain the canary."""
    if isinstance(value, str):
        return canary in value
    if isinstance(value, bytes):
        return canary.encode() in value
    if isinstance(value, Mapping):
        return any(holds(part, canary) for pair in value.items() for part in pair)
    if isinstance(value, tuple):
        return any(holds(part, canary) for part in value)
    if is_dataclass(value):
        return any(holds(getattr(value, part.name), canary) for part in fields(value))
    return False


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record))


@contextmanager
def heard() -> Iterator[list[str]]:
    """Every line that is logged meanwhile, whatever its level."""
    ear, root = _Ear(), logging.getLogger()
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        yield ear.lines
    finally:
        root.setLevel(level)
        root.removeHandler(ear)
