"""Pairs of a held row and a record whose date, text or amount moved between two answers of the bank.

A row is compared only with rows that share its amount, a word or a reference, and with a limited number of those: the
cost must not grow with the product of both sides.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from afflux.domain.identity import POSTED_LATE
from afflux.domain.movement import (
    CANDIDATES,
    DATE_CORRECTION,
    Movement,
    Pair,
    contradict,
    grouped,
    in_stages,
    reach,
    similarity,
    within_reach,
)

#: How far a pre-authorisation, a tip or a rate of exchange moves an amount, as a share of the larger one.
AMOUNT_DRIFT = Decimal("0.25")


def pair_by_drift(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Rows whose date, text or amount moved: pending ones that were posted or changed, booked ones corrected."""
    return in_stages([_by_reference, _in_order_of_days, _by_score, _by_amount], held, incoming)


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
        for other in options.get(reference, [])[:CANDIDATES]
        if _named_alike(mine, other)
    ]
    return _best_first(candidates, held, incoming)


def _named_alike(mine: Movement, other: Movement) -> bool:
    if not (within_reach(mine, other) and _same_direction(mine, other)) or contradict(mine, other):
        return False
    if mine.absent:
        return True
    posted = mine.pending and not other.pending
    return mine.amount == other.amount and (posted or not (mine.key and other.key)) and not other.pending


def _difference(mine: Movement, other: Movement) -> float:
    days = abs((other.day - mine.day).days)
    return float(_amount_drift(mine.amount, other.amount)) * 100 + days - similarity(mine, other)


def _in_order_of_days(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Rows of the same amount and text: the one paid first is booked first, unless the bank says when it was paid."""
    pairs: list[Pair] = []
    for mine_fits, other_fits in _TRANSITIONS:
        used = {movement for found in pairs for movement in found}
        ours = [each for each in held if each not in used and mine_fits(each)]
        theirs = [each for each in incoming if each not in used and other_fits(each)]
        pairs += in_stages([_paid_on_the_same_day, _first_come], ours, theirs)
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
    queues = grouped(held, trait)
    pairs: list[Pair] = []
    for shared, others in grouped(incoming, trait).items():
        waiting = iter(queues.get(shared, ()))
        mine = next(waiting, None)
        for other in others:
            while mine and (other.day - mine.day).days > _limit(mine, other):
                mine = next(waiting, None)
            if mine and within_reach(mine, other) and not contradict(mine, other):
                pairs.append((mine, other))
                mine = next(waiting, None)
    return pairs


def _limit(mine: Movement, other: Movement) -> int:
    span = reach(mine, other)
    return span[1] if span else -1


def _by_score(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """The best of what drifted in more than one way; only for rows that are gone: any other may still be there."""
    candidates = _Candidates(incoming)
    scored = (
        (fit, mine, other)
        for mine in held
        if mine.absent
        for other in candidates.of(mine)
        if (fit := score(mine, other)) is not None
    )
    return _best_first([(-fit, mine, other) for fit, mine, other in scored], held, incoming)


def _by_amount(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """Rows of the same amount, where there were too many to compare all texts."""
    gone = [mine for mine in held if mine.absent and mine.pending]
    return _queued(gone, incoming, lambda each: (each.currency, each.amount))


def score(mine: Movement, other: Movement) -> float | None:
    """How well a record fits a row that is gone: at most about 2.3; `None` if it cannot be the same movement."""
    span = reach(mine, other)
    days = (other.day - mine.day).days
    if span is None or not span[0] <= days <= span[1] or contradict(mine, other):
        return None
    likeness = _amount_likeness(mine, other)
    similar = similarity(mine, other)
    if likeness is None or (likeness < 1 and similar < 0.5):
        return None
    # A text that is all there counts for much more than one that shares a word.
    return likeness + similar**3 + 0.3 - 0.03 * abs(days) + (0.0 if other.pending else 0.05)


def _amount_likeness(mine: Movement, other: Movement) -> float | None:
    """1 for the same amount, less for one that a pending row may drift to, `None` for any other."""
    if (mine.currency, mine.amount) in ((other.currency, other.amount), other.original):
        return 1.0 if mine.pending or mine.day == other.day else None
    if not mine.pending or not _same_direction(mine, other):
        return None
    drift = _amount_drift(mine.amount, other.amount)
    if drift <= AMOUNT_DRIFT:
        return 0.6 * float(1 - drift / AMOUNT_DRIFT)
    # A pre-authorisation at a fuel pump is a round sum, and nothing but the text remains of it.
    return 0.0 if mine.text and mine.text == other.text else None


def _amount_drift(ours: Decimal, theirs: Decimal) -> Decimal:
    larger = max(abs(ours), abs(theirs))
    return abs(ours - theirs) / larger if larger else Decimal(0)


def _same_direction(mine: Movement, other: Movement) -> bool:
    return mine.currency == other.currency and (mine.amount < 0) == (other.amount < 0)


class _Candidates:
    """Finds the records worth comparing with a row: of the same amount, or with its rarest words."""

    def __init__(self, incoming: Sequence[Movement]) -> None:
        self._by_amount = grouped(incoming, lambda each: (each.currency, each.amount))
        self._by_original = grouped((each for each in incoming if each.original), lambda each: each.original)
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
                if len(found) >= CANDIDATES:
                    break
                found.update(dict.fromkeys(_nearest(self._by_word[word], mine.day)))
        return list(found)


def _nearest(in_order_of_days: list[Movement], day: date) -> list[Movement]:
    first = bisect_left(in_order_of_days, day - timedelta(days=DATE_CORRECTION), key=lambda each: each.day)
    last = bisect_right(in_order_of_days, day + timedelta(days=POSTED_LATE), key=lambda each: each.day)
    return in_order_of_days[first : min(last, first + CANDIDATES)]


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
