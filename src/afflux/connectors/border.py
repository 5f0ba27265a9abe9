"""What a connector's message must be before the core sees it. The same for trusted and for foreign code.

Text is freed of what PostgreSQL cannot keep (NUL, lone surrogates); everything else that is wrong ends the run and
names the field, never the value.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from afflux.connectors.base import Context, Request
from afflux.connectors.wire import MAX_DOCUMENT
from afflux.domain.challenges import ChallengeKind
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Checkpoint, Failure, Hint, Message, Park, Progress, Removed, StateUpdate, Warning
from afflux.domain.records import AccountRecord, DocumentRecord, TransactionRecord

MAX_BLOB = 256 * 1024
MAX_TEXT = 64 * 1024
#: `raw` holds a provider's whole answer about one thing.
MAX_RAW = 1024 * 1024
#: Keys are indexed.
MAX_KEY = 512
_MAX_DETAIL = 500
#: Digits before the decimal point, and after it.
_WHOLE, _FRACTION = 18, 18
_SHORTEST_SECRET = 4

_texts = attrgetter(
    "account_key", "key", "text", "counterparty", "counterparty_account", "check_number", "settlement_month", "raw"
)


class Broken(Exception):
    """The connector broke the contract. One line, without values."""


class Border:
    """Lets the messages of one run pass, in order."""

    def __init__(self, context: Context, request: Request) -> None:
        self._interactive = context.interactive
        secrets = {secret for secret in request.secrets.values() if len(secret) >= _SHORTEST_SECRET}
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._percent = 0

    def admit(self, message: Message) -> Message:
        """The message as the core may see it. Raises `Broken`."""
        if type(message) is TransactionRecord and _is_ordinary(message):
            return message
        cleaned: Message = clean(message, type(message).__name__)
        check = _CHECKS.get(type(cleaned))
        if check is not None:
            check(cleaned)
        return self._amended(cleaned)

    def _amended(self, message: Message) -> Message:
        match message:
            case Progress():
                return self._progress(message)
            case Failure():
                return self._failure(message)
            case Warning():
                return replace(message, text=self._discreet(message.text))
            case Park() if not self._interactive:
                return Failure(SyncErrorCode.USER_PRESENCE_REQUIRED, "a challenge came up while nobody was there")
        return message

    def _progress(self, message: Progress) -> Progress:
        self._percent = min(100, max(self._percent, message.percent))
        return replace(message, percent=self._percent)

    def _failure(self, message: Failure) -> Failure:
        detail = " ".join(self._discreet(message.detail).split())[:_MAX_DETAIL]
        return replace(message, detail=detail, retry_after=_wait(message.retry_after))

    def _discreet(self, text: str) -> str:
        """The text without any of the secrets this run was given."""
        for secret in self._secrets:
            text = text.replace(secret, "•••")
        return text


def clean(value: Any, place: str, limit: int = MAX_TEXT) -> Any:
    """The value with every text in it cleaned. Raises `Broken` for a text longer than `limit`."""
    if isinstance(value, str):
        return _clean_text(value, place, limit)
    if isinstance(value, tuple) and value:
        return tuple(clean(item, place) for item in value)
    if isinstance(value, Mapping):
        return {clean(key, place): clean(item, place) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return _clean_fields(value, place)
    return value


def _is_ordinary(record: TransactionRecord) -> bool:
    """Whether the record would pass unchanged, seen at a glance: a long history has a hundred thousand of them.

    One that is not ordinary may be fine as well; the full checks tell.
    """
    return bool(
        0 < len(record.account_key) <= MAX_KEY
        and (record.key is None or 0 < len(record.key) <= MAX_KEY)
        and _is_currency(record.currency)
        and _is_short(record.amount)
        and (record.original_currency is None or _is_currency(record.original_currency))
        and (record.original_amount is None or _is_short(record.original_amount))
        and (record.booking_date or record.value_date or record.transaction_date)
        and _is_clean(record)
    )


def _is_short(amount: Decimal) -> bool:
    """Whether the amount is written in so few characters that it has no more digits than it may."""
    written = str(amount)
    return len(written) <= min(_WHOLE, _FRACTION) and "E" not in written and amount.is_finite()


def _is_clean(record: TransactionRecord) -> bool:
    """Whether no text of the record is long or needs cleaning. Its currencies are left out."""
    text = "".join(filter(None, _texts(record)))
    if record.references:
        text += "".join((*record.references, *record.references.values()))
    return len(text) <= MAX_TEXT and "\0" not in text and (text.isascii() or _is_unicode(text))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clean_fields(value: Any, place: str) -> Any:
    changes = {}
    for field in fields(value):
        old = getattr(value, field.name)
        new = clean(old, f"{place}.{field.name}", MAX_RAW if field.name == "raw" else MAX_TEXT)
        # A signalling NaN may not even be compared.
        if new is not old and new != old:
            changes[field.name] = new
    return replace(value, **changes) if changes else value


def _clean_text(text: str, place: str, limit: int) -> str:
    if len(text) > limit:
        raise Broken(f"{place} is longer than {limit // 1024} KiB")
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _account(record: AccountRecord) -> None:
    _key(record.key, "AccountRecord.key")
    _currency(record.currency, "AccountRecord.currency")
    _amount(record.balance, "AccountRecord.balance")
    _aware(record.balance_at, "AccountRecord.balance_at")
    for balance in record.balances:
        _currency(balance.currency, "AccountRecord.balances.currency")
        _amount(balance.amount, "AccountRecord.balances.amount")


def _transaction(record: TransactionRecord) -> None:
    _key(record.account_key, "TransactionRecord.account_key")
    if record.key is not None:
        _key(record.key, "TransactionRecord.key")
    _currency(record.currency, "TransactionRecord.currency")
    _amount(record.amount, "TransactionRecord.amount")
    if record.original_currency is not None:
        _currency(record.original_currency, "TransactionRecord.original_currency")
    _amount(record.original_amount, "TransactionRecord.original_amount")
    if not (record.booking_date or record.value_date or record.transaction_date):
        raise Broken("TransactionRecord has no date")


def _document(record: DocumentRecord) -> None:
    _key(record.key, "DocumentRecord.key")
    _aware(record.created_at, "DocumentRecord.created_at")
    _amount(record.amount, "DocumentRecord.amount")
    _size(record.content, MAX_DOCUMENT, "DocumentRecord.content")


def _removed(message: Removed) -> None:
    _key(message.account_key, "Removed.account_key")
    _key(message.key, "Removed.key")


def _checkpoint(message: Checkpoint) -> None:
    _key(message.account_key, "Checkpoint.account_key")
    start, end = message.complete_from, message.complete_to
    if (start is None) != (end is None) or (start is not None and end is not None and start > end):
        raise Broken("Checkpoint.complete_from and complete_to are no period")


def _state(message: StateUpdate) -> None:
    _size(message.state, MAX_BLOB, "StateUpdate.state")


def _park(message: Park) -> None:
    challenge = message.challenge
    _size(message.parked, MAX_BLOB, "Park.parked")
    _size(challenge.image or b"", MAX_BLOB, "Park.challenge.image")
    _aware(challenge.expires_at, "Park.challenge.expires_at")
    if challenge.url is not None and urlsplit(challenge.url).scheme not in ("https", "http"):
        raise Broken("Park.challenge.url is no web address")
    if challenge.kind is ChallengeKind.REDIRECT and not challenge.url:
        raise Broken("Park.challenge.url is missing")


def _hint(message: Hint) -> None:
    _aware(message.consent_expires_at, "Hint.consent_expires_at")
    if message.retry_after != _wait(message.retry_after):
        raise Broken("Hint.retry_after is no waiting time")


_CHECKS: dict[type, Callable[[Any], None]] = {
    TransactionRecord: _transaction,
    AccountRecord: _account,
    DocumentRecord: _document,
    Removed: _removed,
    Checkpoint: _checkpoint,
    StateUpdate: _state,
    Park: _park,
    Hint: _hint,
}


def _key(key: str, place: str) -> None:
    if not key or len(key) > MAX_KEY:
        raise Broken(f"{place} is empty or longer than {MAX_KEY} characters")


def _currency(code: str, place: str) -> None:
    if not _is_currency(code):
        raise Broken(f"{place} is not three capital letters")


def _is_currency(code: str) -> bool:
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()


def _amount(amount: Decimal | None, place: str) -> None:
    if amount is None:
        return
    exponent = amount.as_tuple().exponent
    # A zero has digits before its point as well: 0E+999999 is one.
    if isinstance(exponent, str) or exponent < -_FRACTION or max(exponent, amount.adjusted()) >= _WHOLE:
        raise Broken(f"{place} is not an amount of money")


def _aware(moment: datetime | None, place: str) -> None:
    if moment is not None and moment.utcoffset() is None:
        raise Broken(f"{place} has no time zone")


def _size(blob: bytes, limit: int, place: str) -> None:
    if len(blob) > limit:
        raise Broken(f"{place} is larger than {limit // 1024} KiB")


def _wait(seconds: float | None) -> float | None:
    """Seconds to stay away, or `None` where they make no sense."""
    return seconds if seconds is not None and math.isfinite(seconds) and seconds >= 0 else None
