"""Generated banks against the truth; the full count runs with `python -m tests.domain.histories 10000`."""

import pytest

from tests.domain.histories import Feed, History, Keys

SEEDS = range(20_000, 20_120)


@pytest.mark.parametrize("first", SEEDS[::10])
def test_no_history_doubles_or_loses_a_row_or_moves_an_id(first: int) -> None:
    for seed in range(first, first + 10):
        outcome = History(seed).play()
        assert outcome.wrong == []
        assert outcome.moved == []


def test_the_histories_cover_every_kind_of_bank() -> None:
    banks = [History(seed).bank for seed in SEEDS]
    assert {bank.keys for bank in banks} == set(Keys)
    assert {bank.feed for bank in banks} == set(Feed)
    assert {frozenset(bank.drifts) for bank in banks} >= {frozenset(), frozenset({"date", "text", "amount"})}


def test_what_no_algorithm_could_tell_is_rare() -> None:
    outcomes = [History(seed).play() for seed in SEEDS[:10]]
    persisted = sum(outcome.persisted for outcome in outcomes)
    assert sum(outcome.undecidable for outcome in outcomes) < persisted / 100
    assert sum(outcome.swapped for outcome in outcomes) < persisted / 100
