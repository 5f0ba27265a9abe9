"""Which held row and which incoming record are the same movement of money.

Three stages, each over what the one before left: by the provider's key, by equal content as a multiset, by drift.
Sequences are given in a fixed order of content; where two candidates are equally good the first one is taken.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence

from afflux.domain.drift import pair_by_drift, score
from afflux.domain.movement import (
    CANDIDATES,
    DATE_CORRECTION,
    Movement,
    Pair,
    Stage,
    contradict,
    grouped,
    in_stages,
    similarity,
)

#: Days after which a pending row has been posted or has expired at any bank.
_LONGEST_PENDING = 35


def pair(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
    """All stages, strongest evidence first."""
    return in_stages([pair_by_likely_key, pair_by_content, pair_by_key, pair_by_drift], held, incoming)


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
    return in_stages([_alike(stage) for stage in stages], chooses_first, incoming)


def _same_key(held: Sequence[Movement], incoming: Sequence[Movement]) -> Iterator[Pair]:
    by_key = {other.key: other for other in incoming if other.key is not None}
    return ((mine, by_key[mine.key]) for mine in held if mine.key in by_key)


def _looks_alike(mine: Movement, other: Movement) -> bool:
    return mine.amount == other.amount or similarity(mine, other) >= 0.5 or score(mine, other) is not None


def _key_was_reused(mine: Movement, other: Movement) -> bool:
    """Whether the key must now name something else: otherwise a row the bank did not speak of would be lost.

    Of a booked row's amount, day and text, a bank corrects one. A pending row may change in all of them, but not after
    more than a month.
    """
    days = abs((other.day - mine.day).days)
    if mine.absent or mine.pending:
        return not mine.absent and days > _LONGEST_PENDING
    same = (mine.amount == other.amount, days <= DATE_CORRECTION, similarity(mine, other) >= 0.5)
    return sum(same) < 2


def _said(movement: Movement) -> tuple[Hashable, ...]:
    return (movement.currency, movement.amount, movement.day, movement.text)


def _alike(trait: Callable[[Movement], Hashable]) -> Stage:
    """A stage that pairs rows with the same trait."""

    def stage(held: Sequence[Movement], incoming: Sequence[Movement]) -> list[Pair]:
        options = grouped(incoming, trait)
        pairs: list[Pair] = []
        for mine in held:
            alike = options.get(trait(mine), [])
            found = next((n for n, other in enumerate(alike[:CANDIDATES]) if _may_be_one(mine, other)), None)
            if found is not None:
                pairs.append((mine, alike.pop(found)))
        return pairs

    return stage


def _may_be_one(mine: Movement, other: Movement) -> bool:
    """Two different keys are two movements, unless the bank is known to have dropped the one we hold."""
    if mine.key and other.key and not mine.absent:
        return False
    same_value_date = mine.absent or None in (mine.value_date, other.value_date)
    return (same_value_date or mine.value_date == other.value_date) and not contradict(mine, other)
