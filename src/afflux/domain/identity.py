"""What makes a transaction record recognisable: its identity within the account, its hash, its words and references.

A record with a provider key is named by it. Any other is named by everything it says, with an occurrence number,
because two purchases can look exactly alike: `f:<hash>:0`, `f:<hash>:1`. So equal names mean equal content, however the
bank orders its list.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from operator import attrgetter

from afflux.domain.records import KeyQuality, TransactionRecord, TransactionStatus

#: Days between a pending row and the booked row it becomes: banks book a day early and up to ten days late.
POSTED_EARLY = 1
POSTED_LATE = 10

_REACH = timedelta(days=POSTED_LATE)

#: What banks write where a reference is missing.
_PLACEHOLDERS = frozenset(
    {"", "NONREF", "NOTPROVIDED", "NOTAVAILABLE", "NOREF", "NONE", "NULL", "NA", "N/A", "UNKNOWN", "NOT PROVIDED"}
)
#: References that name one movement, by what they say. A mandate or a creditor id comes back every month.
_STRONG = {
    "account_servicer": "bank",
    "bank": "bank",
    "end_to_end": "end_to_end",
    "instruction": "instruction",
    "transaction": "transaction",
}
_STORED = attrgetter(
    "amount",
    "currency",
    "booking_date",
    "value_date",
    "transaction_date",
    "status",
    "type",
    "text",
    "counterparty",
    "counterparty_account",
    "references",
    "raw",
    # Rare ones from here on.
    "original_amount",
    "check_number",
    "original_currency",
    "settlement_month",
)
_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class Incoming:
    """A record on its way in, prepared for comparison."""

    record: TransactionRecord
    #: Unique among the rows of its account.
    identity: str
    #: 16 bytes over everything that is stored, without the key: a trusted one is the identity, others are not kept.
    hash: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """Records on their way in, side by side with their identities and hashes.

    Columns and not one `Incoming` each: a sync in which nothing changed then makes no object per row.
    """

    records: Sequence[TransactionRecord]
    identities: Sequence[str]
    hashes: Sequence[bytes]

    def all(self) -> list[Incoming]:
        """Each record by itself."""
        return list(map(Incoming, self.records, self.identities, self.hashes))


def prepare(records: Sequence[TransactionRecord]) -> Prepared:
    """Give each record of one account, of one batch, its identity and hash.

    A provider key that comes twice for what can only be one movement (overlapping pages, a row in both the pending and
    the booked list) counts once. One given to different movements names none of them: their content does.
    """
    hashes = list(map(_hash, records))
    provider = KeyQuality.PROVIDER
    keys = [record.key if record.key_quality is provider else None for record in records]
    present = [key for key in keys if key]
    if len(set(present)) != len(present):
        records, hashes, keys = _settle_repeats(records, hashes, keys)
    return Prepared(records, _identities(hashes, keys), hashes)


def provider_identity(key: str) -> str:
    """The identity of a row that the provider names by `key`."""
    return f"p:{key}"


def provider_key(identity: str) -> str | None:
    """The provider's key in an identity, or `None` for a row known by its content."""
    return identity[2:] if identity.startswith("p:") else None


def neighbourhood(
    records: Iterable[TransactionRecord], start: date | None, end: date | None
) -> tuple[date, date] | None:
    """First and last day of the held rows that can be the same movement as a record or lie in the window.

    `None` when there is neither a record nor a window.
    """
    days = [record.day for record in records]
    first = [*([min(days) - _REACH] if days else []), *([start] if start else [])]
    last = [*([max(days) + _REACH] if days else []), *([end] if end else [])]
    return (min(first), max(last)) if first and last else None


def normalised(text: str) -> str:
    """The words of a text in comparable spelling: case, accents' encoding, punctuation and spacing do not count."""
    return " ".join(words(text))


def words(text: str) -> list[str]:
    """The words and numbers of a text, in order."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def strong_references(references: Mapping[str, str]) -> dict[str, str]:
    """The references that name one movement, without placeholders; the bank's own goes by one name, `bank`."""
    found: dict[str, str] = {}
    for name in sorted(references.keys() & _STRONG.keys(), reverse=True):
        value = references[name].strip()
        if value.upper() not in _PLACEHOLDERS and value.strip("0"):
            found[_STRONG[name]] = value
    return found


def _identities(hashes: Sequence[bytes], keys: Sequence[str | None]) -> list[str]:
    occurrence: defaultdict[bytes, count[int]] = defaultdict(count)
    return [
        f"p:{key}" if key else f"f:{digest.hex()}:{next(occurrence[digest])}"
        for digest, key in zip(hashes, keys, strict=True)
    ]


# A bank's rows share few combinations of days.
@lru_cache(maxsize=4096)
def _days(*days: date | None) -> str:
    return "\x1f".join([day.isoformat() if day else "" for day in days])


def _hash(record: TransactionRecord) -> bytes:
    # Runs for every row of every sync: one join, no loop over what is nearly always there. 1.5 and 1.50 are the same.
    (
        amount, currency, booked, valued, paid, status, kind, text, name, account, references, raw,
        original, check, original_currency, month,
    ) = _STORED(record)  # fmt: skip
    said = "\x1e".join([f"{label}={references[label]}" for label in sorted(references)]) if references else ""
    content = "\x1f".join(
        (
            str(amount.normalize()), currency, _days(booked, valued, paid), status, kind, text,
            name or "", account or "", said, raw or "",
        )
    )  # fmt: skip
    if not original is check is original_currency is month is None:
        spelled = "" if original is None else str(original.normalize())
        content = "\x1f".join((content, spelled, check or "", original_currency or "", month or ""))
    return blake2b(content.encode(), digest_size=16).digest()


_Batch = tuple[list[TransactionRecord], list[bytes], list[str | None]]


def _settle_repeats(
    records: Sequence[TransactionRecord], hashes: Sequence[bytes], keys: Sequence[str | None]
) -> _Batch:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        if key:
            places[key].append(place)
    trusted = list(keys)
    dropped: set[int] = set()
    for repeated in (group for group in places.values() if len(group) > 1):
        best = min(repeated, key=lambda place: (records[place].status is TransactionStatus.PENDING, hashes[place]))
        if all(_one_movement(records[best], records[place]) for place in repeated):
            dropped.update(place for place in repeated if place != best)
        else:
            # None of them keeps the key: the held row that carries it is then found by its content, whichever it is.
            for place in repeated:
                trusted[place] = None
    kept = [place for place in range(len(records)) if place not in dropped]
    return [records[n] for n in kept], [hashes[n] for n in kept], [trusted[n] for n in kept]


def _one_movement(best: TransactionRecord, other: TransactionRecord) -> bool:
    """Whether two records under one key are the same movement, seen twice or first pending and then booked."""
    if _content(best) == _content(other):
        return True
    posted = best.status is TransactionStatus.BOOKED and other.status is TransactionStatus.PENDING
    same_money = (best.amount, best.currency) == (other.amount, other.currency)
    return posted and same_money and -POSTED_EARLY <= (best.day - other.day).days <= POSTED_LATE


def _content(record: TransactionRecord) -> tuple[object, ...]:
    return (
        record.amount,
        record.currency,
        record.day,
        record.value_date,
        normalised(record.text),
        record.counterparty_account,
        strong_references(record.references),
    )
