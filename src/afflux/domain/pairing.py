"""Which held row and which incoming record are the same movement of money.

Three stages, each over what the one before left: by the provider's key, by equal content as a multiset, by drift. All of them look
only at rows that share something (key, amount, word, reference), so the cost does not grow with the product of both sides.

Sequences are given in a fixed order of content; where two candidates are equally good the first one is taken.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from afflux.domain.identity import POSTED_EARLY, POSTED_LATE

#: How far a pre-authorisation, a tip or a rate of exchange moves an amount, as a share of the larger one.
AMOUNT_DRIFT = Decimal("0.25")
#: Days by which a bank corrects the date of a booked row.
DATE_CORRECTION = 3
#: Days after which a pending row has been posted or has expired at any bank.
_LONGEST_PENDING = 35
#: Candidates looked at for one row; more than this many alike are beyond telling apart by text.
_CANDIDATES = 32


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
    #: Of a held row: the bank no longer has it under this name, since it lies in the declared window or was called gone.
    #: Otherwise the bank may simply not have mentioned it.
    absent: bool = False


Pair = tuple[Movement, Movement]


def pair_by_likely_key(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Rows under the same provider key that also look like the same movement."""
    return [pair for pair in _same_key(held, incoming) if _looks_alike(*pair) and not _key_was_reused(*pair)]


def pair_by_key(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Rows under the same provider key, unless the key was evidently given to something else."""
    return [pair for pair in _same_key(held, incoming) if not _key_was_reused(*pair)]


def pair_by_content(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Rows that say the same, as often as both sides have them."""
    stages: tuple[Callable[[Movement], Hashable], ...] = (
        lambda each: each.hash,
        lambda each: (*_said(each), each.pending, each.value_date, tuple(each.references.items())),
        lambda each: (*_said(each), each.value_date, tuple(each.references.items())),
        lambda each: (*_said(each), each.pending),
        _said,
    )
    # A keyed row that is not known to be absent can only be a keyless record: it chooses first.
    chooses_first = sorted(held, key=lambda each: each.key is None)
    return _in_stages([_alike(stage) for stage in stages], chooses_first, incoming)


def pair_by_drift(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Rows whose date, text or amount moved: pending ones that were posted or changed, booked ones that were corrected."""
    return _in_stages([_by_reference, _in_order_of_days, _by_score], held, incoming)


_Stage = Callable[[Sequence[Movement], Sequence[Movement]], list[Pair]]


def _in_stages(stages: Iterable[_Stage], held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Each stage over what the one before left."""
    pairs: list[Pair] = []
    for stage in stages:
        found = stage(held, incoming)
        used = {movement for pair in found for movement in pair}
        held = [movement for movement in held if movement not in used]
        incoming = [movement for movement in incoming if movement not in used]
        pairs += found
    return pairs


def pair(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """All stages, strongest evidence first."""
    return _in_stages([pair_by_likely_key, pair_by_content, pair_by_key, pair_by_drift], held, incoming)


def _same_key(held: Sequence[Movement], incoming: Sequence[Movement]) -> Iterator[Pair]:
    by_key = {other.key: other for other in incoming if other.key is not None}
    return ((mine, by_key[mine.key]) for mine in held if mine.key in by_key)


def _looks_alike(mine: Movement, other: Movement) -> bool:
    return mine.amount == other.amount or _similarity(mine, other) >= 0.5 or _score(mine, other) is not None


def _key_was_reused(mine: Movement, other: Movement) -> bool:
    """Whether the key, trusted otherwise, must now name something else, so that a row the bank did not speak of is not lost.

    Of a booked row's amount, day and text, a bank corrects one; a pending row may change in all of them, but not after a month.
    """
    days = abs((other.day - mine.day).days)
    if mine.absent or mine.pending:
        return not mine.absent and days > _LONGEST_PENDING
    same = (mine.amount == other.amount, days <= DATE_CORRECTION, _similarity(mine, other) >= 0.5)
    return sum(same) < 2


def _said(movement: Movement) -> tuple[Hashable, ...]:
    return (movement.currency, movement.amount, movement.day, movement.text)


def _alike(trait: Callable[[Movement], Hashable]) -> _Stage:
    """A stage that pairs rows with the same trait."""

    def stage(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
        options = _grouped(incoming, trait)
        pairs: list[Pair] = []
        for mine in held:
            alike = options.get(trait(mine), [])
            found = next((n for n, other in enumerate(alike[:_CANDIDATES]) if _may_be_one(mine, other)), None)
            if found is not None:
                pairs.append((mine, alike.pop(found)))
        return pairs

    return stage


def _may_be_one(mine: Movement, other: Movement) -> bool:
    """Two different keys are two movements, unless the bank is known to have dropped the one we hold."""
    if mine.key and other.key and not mine.absent:
        return False
    same_value_date = mine.absent or None in (mine.value_date, other.value_date)
    return (same_value_date or mine.value_date == other.value_date) and not _contradict(mine, other)


def _contradict(mine: Movement, other: Movement) -> bool:
    """A payer's reference never changes; the bank's own may, where it gives out new keys."""
    names = ("end_to_end",) if mine.absent else mine.references
    ours, theirs = mine.references, other.references
    return any(name in ours and name in theirs and ours[name] != theirs[name] for name in names)


def _reach(mine: Movement, other: Movement) -> tuple[int, int] | None:
    """How many days later than the held row the record may be, from and to; `None` if one never becomes the other."""
    if mine.pending:
        # Of a row that is gone the date may have been corrected after it was posted, between two fetches.
        return (-DATE_CORRECTION if mine.absent else -POSTED_EARLY, POSTED_LATE)
    return None if other.pending else (-DATE_CORRECTION, DATE_CORRECTION)


def _within_reach(mine: Movement, other: Movement) -> bool:
    reach = _reach(mine, other)
    return reach is not None and reach[0] <= (other.day - mine.day).days <= reach[1]


def _same_direction(mine: Movement, other: Movement) -> bool:
    return mine.currency == other.currency and (mine.amount < 0) == (other.amount < 0)


def _by_reference(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Rows with an equal reference that names one movement; the amount may differ only where the held row is gone."""
    options: defaultdict[tuple[str, str], list[Movement]] = defaultdict(list)
    for other in incoming:
        for reference in other.references.items():
            options[reference].append(other)
    candidates = [
        (_difference(mine, other), mine, other)
        for mine in held
        for reference in mine.references.items()
        for other in options.get(reference, [])[:_CANDIDATES]
        if _named_alike(mine, other)
    ]
    return _best_first(candidates, held, incoming)


def _named_alike(mine: Movement, other: Movement) -> bool:
    if not (_within_reach(mine, other) and _same_direction(mine, other)) or _contradict(mine, other):
        return False
    if mine.absent:
        return True
    posted = mine.pending and not other.pending
    return mine.amount == other.amount and (posted or not (mine.key and other.key)) and not other.pending


def _difference(mine: Movement, other: Movement) -> float:
    days = abs((other.day - mine.day).days)
    return float(_amount_drift(mine.amount, other.amount)) * 100 + days - _similarity(mine, other)


def _in_order_of_days(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Rows of the same amount and text: the one paid first is booked first, unless the bank says when it was paid."""
    pairs: list[Pair] = []
    for mine_fits, other_fits in _TRANSITIONS:
        used = {movement for found in pairs for movement in found}
        ours = [each for each in held if each not in used and mine_fits(each)]
        theirs = [each for each in incoming if each not in used and other_fits(each)]
        pairs += _in_stages([_paid_on_the_same_day, _first_come], ours, theirs)
    return pairs


def _worth_pairing(mine: Movement) -> bool:
    return mine.absent or bool(mine.text)


#: Which held rows may become which records on the strength of an equal amount and text.
_TRANSITIONS: tuple[tuple[Callable[[Movement], bool], Callable[[Movement], bool]], ...] = (
    (
        lambda mine: mine.pending and _worth_pairing(mine) and (mine.absent or not mine.key),
        lambda other: not other.pending,
    ),
    (lambda mine: mine.pending and _worth_pairing(mine), lambda other: not other.pending and not other.key),
    (lambda mine: mine.pending and mine.absent, lambda other: other.pending),
    (lambda mine: not mine.pending and mine.absent, lambda other: not other.pending),
)


def _paid_on_the_same_day(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    told = [other for other in incoming if other.paid]
    return _queued(held, told, lambda each: (*_same_text(each), each.paid or each.day))


def _first_come(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    return _queued(held, incoming, _same_text)


def _same_text(movement: Movement) -> tuple[Hashable, ...]:
    return (movement.currency, movement.amount, movement.text)


def _queued(
    held: Sequence[Movement], incoming: Sequence[Movement], trait: Callable[[Movement], Hashable]
) -> list[Pair]:
    """Pair rows with the same trait in order of their days, each with the first it can reach."""
    queues = _grouped(held, trait)
    pairs: list[Pair] = []
    for shared, others in _grouped(incoming, trait).items():
        waiting = iter(queues.get(shared, ()))
        mine = next(waiting, None)
        for other in others:
            while mine and (other.day - mine.day).days > _limit(mine, other):
                mine = next(waiting, None)
            if mine and _within_reach(mine, other) and not _contradict(mine, other):
                pairs.append((mine, other))
                mine = next(waiting, None)
    return pairs


def _limit(mine: Movement, other: Movement) -> int:
    reach = _reach(mine, other)
    return reach[1] if reach else -1


def _by_score(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """The best of what drifted in more than one way; only for rows known to be gone, since any other row may still be there."""
    candidates = _Candidates(incoming)
    scored = (
        (score, mine, other)
        for mine in held
        if mine.absent
        for other in candidates.of(mine)
        if (score := _score(mine, other)) is not None
    )
    return _best_first([(-score, mine, other) for score, mine, other in scored], held, incoming)


def _score(mine: Movement, other: Movement) -> float | None:
    """How well a record fits a row that is gone: at most about 2.2; `None` if it cannot be the same movement."""
    if not _within_reach(mine, other) or _contradict(mine, other):
        return None
    near = 0.2 - abs((other.day - mine.day).days) / 100 + (0.0 if other.pending else 0.05)
    if other.original == (mine.currency, mine.amount):
        return 1 + _similarity(mine, other) ** 2 + near
    if not _same_direction(mine, other):
        return None
    similar = _similarity(mine, other) ** 2
    drift = _amount_drift(mine.amount, other.amount)
    if not drift:
        certain = mine.pending or mine.day == other.day
        return 1 + similar + near if certain else None
    if not mine.pending or (drift > AMOUNT_DRIFT and not (mine.text and mine.text == other.text)) or similar < 0.25:
        return None
    return 0.6 * float(max(1 - drift / AMOUNT_DRIFT, Decimal(0))) + similar + near


def _amount_drift(ours: Decimal, theirs: Decimal) -> Decimal:
    larger = max(abs(ours), abs(theirs))
    return abs(ours - theirs) / larger if larger else Decimal(0)


def _similarity(mine: Movement, other: Movement) -> float:
    """Share of the shorter text's words that the longer one has too, 0 to 1."""
    shorter = min(len(mine.words), len(other.words))
    return len(mine.words & other.words) / shorter if shorter else 0.0


class _Candidates:
    """Finds the records worth comparing with a row: the nearest of the same amount, and those that share its rarest words."""

    def __init__(self, incoming: Sequence[Movement]) -> None:
        self._by_amount = _grouped(incoming, lambda each: (each.currency, each.amount))
        self._by_original = _grouped((each for each in incoming if each.original), lambda each: each.original)
        self._by_word: defaultdict[str, list[Movement]] = defaultdict(list)
        for other in incoming:
            for word in other.words:
                self._by_word[word].append(other)

    def of(self, mine: Movement) -> list[Movement]:
        money = (mine.currency, mine.amount)
        found = dict.fromkeys(_nearest(self._by_amount.get(money, []), mine.day))
        found.update(dict.fromkeys(_nearest(self._by_original.get(money, []), mine.day)))
        if mine.pending:
            rarest = sorted(mine.words & self._by_word.keys(), key=lambda word: (len(self._by_word[word]), word))
            for word in rarest:
                if len(found) > 2 * _CANDIDATES:
                    break
                found.update(dict.fromkeys(_nearest(self._by_word[word], mine.day)))
        return list(found)


def _nearest(in_order_of_days: list[Movement], day: date) -> list[Movement]:
    first = bisect_left(in_order_of_days, day - timedelta(days=DATE_CORRECTION), key=lambda each: each.day)
    last = bisect_right(in_order_of_days, day + timedelta(days=POSTED_LATE), key=lambda each: each.day)
    return in_order_of_days[first : min(last, first + _CANDIDATES)]


def _grouped(movements: Iterable[Movement], trait: Callable[[Movement], Hashable]) -> dict[Hashable, list[Movement]]:
    groups: defaultdict[Hashable, list[Movement]] = defaultdict(list)
    for movement in movements:
        groups[trait(movement)].append(movement)
    return groups


def _best_first(
    candidates: Iterable[tuple[float, Movement, Movement]], held: Sequence[Movement], incoming: Sequence[Movement]
) -> list[Pair]:
    """One to one, smallest number first; equal ones in the order of the rows."""
    ours = {mine: place for place, mine in enumerate(held)}
    theirs = {other: place for place, other in enumerate(incoming)}
    used: set[Movement] = set()
    pairs: list[Pair] = []
    for _, mine, other in sorted(candidates, key=lambda each: (each[0], ours[each[1]], theirs[each[2]])):
        if mine not in used and other not in used:
            used |= {mine, other}
            pairs.append((mine, other))
    return pairs
