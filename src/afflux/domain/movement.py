"""A held row or an incoming record as it is compared, and what two of them have in common."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from afflux.domain.identity import POSTED_EARLY, POSTED_LATE

#: Days by which a bank corrects the date of a booked row.
DATE_CORRECTION = 3
#: Candidates looked at for one row; more than this many alike are beyond telling apart by text.
CANDIDATES = 24


@dataclass(slots=True, eq=False)
class Movement:
    """A held row or an incoming record, reduced to what is compared. Each is itself only: two equal ones are two."""

    key: str | None
    hash: bytes
    pending: bool
    day: date
    value_date: date | None
    paid: date | None
    amount: Decimal
    currency: str
    #: Currency and amount of the purchase where they differ.
    original: tuple[str | None, Decimal | None] | None
    text: str
    words: frozenset[str]
    references: Mapping[str, str]
    #: Of a held row: the bank no longer has it under this name, since it lies in the declared window or was called
    #: gone. Otherwise the bank may simply not have mentioned it.
    absent: bool = False


Pair = tuple[Movement, Movement]
#: Pairs of held rows and records, by one kind of evidence.
Stage = Callable[[Sequence[Movement], Sequence[Movement]], list[Pair]]


def in_stages(stages: Iterable[Stage], held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Each stage over what the one before left."""
    pairs: list[Pair] = []
    for stage in stages:
        found = stage(held, incoming)
        used = {movement for pair in found for movement in pair}
        held = [movement for movement in held if movement not in used]
        incoming = [movement for movement in incoming if movement not in used]
        pairs += found
    return pairs


def grouped(movements: Iterable[Movement], trait: Callable[[Movement], Hashable]) -> dict[Hashable, list[Movement]]:
    """The movements by a trait, in the order given."""
    groups: defaultdict[Hashable, list[Movement]] = defaultdict(list)
    for movement in movements:
        groups[trait(movement)].append(movement)
    return groups


def contradict(mine: Movement, other: Movement) -> bool:
    """Whether references say that these are two. A payer's never changes; the bank's own may, where it drops keys."""
    ours, theirs = mine.references, other.references
    if not ours or not theirs:
        return False
    names = ("end_to_end",) if mine.absent else ours
    return any(name in ours and name in theirs and ours[name] != theirs[name] for name in names)


def reach(mine: Movement, other: Movement) -> tuple[int, int] | None:
    """How many days later than the held row the record may be, from and to; `None` if one never becomes the other."""
    if mine.pending:
        # Of a row that is gone the date may have been corrected after it was posted, between two fetches.
        return (-DATE_CORRECTION if mine.absent else -POSTED_EARLY, POSTED_LATE)
    return None if other.pending else (-DATE_CORRECTION, DATE_CORRECTION)


def within_reach(mine: Movement, other: Movement) -> bool:
    """Whether the days of both allow that one became the other."""
    span = reach(mine, other)
    return span is not None and span[0] <= (other.day - mine.day).days <= span[1]


def similarity(mine: Movement, other: Movement) -> float:
    """Share of the shorter text's words that the longer one has too, 0 to 1."""
    shorter = min(len(mine.words), len(other.words))
    return len(mine.words & other.words) / shorter if shorter else 0.0
