"""What a bank's answer means for the rows we hold."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afflux.domain.identity import prepare
from afflux.domain.reconcile import Changes, Reason, Window, reconcile, unmatched
from afflux.domain.records import TransactionRecord, TransactionStatus
from tests.domain.histories import Ledger, content, held_row

DAY = date(2026, 3, 10)
PENDING = TransactionStatus.PENDING
MARCH = Window(date(2026, 3, 1), date(2026, 3, 31))
PENDING_MARCH = replace(MARCH, pending_only=True)


def row(text: str = "CAFE", amount: str = "-2.40", day: int = 10, **more: object) -> TransactionRecord:
    record = TransactionRecord(
        account_key="a", amount=Decimal(amount), currency="EUR", booking_date=date(2026, 3, day), text=text
    )
    return replace(record, **more)  # type: ignore[arg-type]


def pending(text: str = "CAFE", amount: str = "-2.40", day: int = 10, **more: object) -> TransactionRecord:
    return row(text, amount, day, status=PENDING, **more)


def after(
    first: Sequence[TransactionRecord],
    second: Sequence[TransactionRecord],
    window: Window | None = None,
    removed: Sequence[str] = (),
) -> Changes:
    """What the second answer changes when the first one is all we hold."""
    ledger = Ledger()
    ledger.take(first)
    return ledger.take(second, window, removed)


def summary(changes: Changes) -> tuple[int, list[Reason], list[Reason]]:
    """Number of added rows, reasons of changed and of removed ones."""
    return len(changes.added), [each.reason for each in changes.changed], [each.reason for each in changes.removed]


NOTHING = (0, [], [])
POSTED = (0, [Reason.POSTED], [])
TWO_ROWS = (1, [], [])


# Keys


def test_a_pending_row_with_the_same_key_is_posted_whatever_else_changed() -> None:
    assert summary(after([pending(key="K", day=2)], [row("SHELL 99", "-43.10", 9, key="K")])) == POSTED


def test_a_corrected_row_keeps_its_key_and_its_id() -> None:
    assert summary(after([row(key="K")], [row("CAFE CORRECTED", key="K")])) == (0, [Reason.CORRECTED], [])


def test_richer_details_are_a_change_and_no_correction() -> None:
    assert summary(after([row(key="K")], [row(key="K", counterparty="Cafe SA")])) == (0, [Reason.CHANGED], [])


def test_two_keys_are_two_purchases_when_nothing_is_known_to_be_gone() -> None:
    assert summary(after([row(key="K1")], [row(key="K2")])) == TWO_ROWS
    assert summary(after([pending(key="K1")], [row(key="K2")])) == TWO_ROWS


def test_a_new_key_for_the_same_content_in_a_window_is_a_new_name() -> None:
    assert summary(after([row(key="K1")], [row(key="K2")], MARCH)) == (0, [Reason.REKEYED], [])


def test_a_key_that_comes_back_for_something_else_does_not_overwrite_a_row_outside_the_window() -> None:
    old, new = row("RENT", "-900", 1, key="1"), row("BAKER", "-3.10", 20, key="1")
    ledger = Ledger()
    ledger.take([old])
    for _ in range(2):
        ledger.take([new], Window(date(2026, 3, 15), date(2026, 3, 31)))
        assert Counter(map(content, ledger.rows.values())) == Counter(map(content, [old, new]))


def test_swapped_keys_do_not_swap_the_rows() -> None:
    first = [row("RENT", "-900", key="1"), row("BAKER", "-3.10", 12, key="2")]
    second = [row("RENT", "-900", key="2"), row("BAKER", "-3.10", 12, key="1")]
    assert summary(after(first, second, MARCH)) == (0, [Reason.REKEYED] * 2, [])


# Content


def test_two_identical_purchases_stay_two() -> None:
    ledger = Ledger()
    assert summary(ledger.take([row(), row()], MARCH)) == (2, [], [])
    assert summary(ledger.take([row(), row()], MARCH)) == NOTHING


def test_of_three_identical_purchases_one_can_be_withdrawn() -> None:
    assert summary(after([row()] * 3, [row()] * 2, MARCH)) == (0, [], [Reason.WITHDRAWN])


def test_one_of_two_identical_purchases_can_be_pending_still() -> None:
    ledger = Ledger()
    ledger.take([row(), pending()], MARCH)
    assert len(ledger.rows) == 2
    assert summary(ledger.take([row(), row()], MARCH)) == POSTED


def test_a_row_first_without_and_then_with_a_key_is_one_row() -> None:
    assert summary(after([row()], [row(key="K")])) == (0, [Reason.REKEYED], [])


def test_a_row_first_with_and_then_without_a_key_keeps_the_key() -> None:
    ledger = Ledger()
    ledger.take([row(key="K")])
    assert summary(ledger.take([row(raw="statement")])) == (0, [Reason.CHANGED], [])
    assert [each.identity for each in ledger.rows.values()] == ["p:K"]
    assert summary(ledger.take([row(key="K", text="CAFE 2", raw="again")])) == (0, [Reason.CORRECTED], [])


def test_a_reference_or_a_value_date_that_came_later_does_not_make_a_second_row() -> None:
    richer = row(references={"account_servicer": "S1"}, value_date=DAY)
    assert summary(after([row()], [richer])) == (0, [Reason.CHANGED], [])


def test_different_references_are_different_purchases() -> None:
    first, second = row(references={"end_to_end": "E1"}), row(references={"end_to_end": "E2"})
    assert summary(after([first], [second])) == TWO_ROWS
    assert summary(after([first], [second], MARCH)) == (1, [], [Reason.WITHDRAWN])


def test_an_older_answer_read_again_does_not_make_a_booked_row_pending() -> None:
    assert summary(after([row()], [pending()])) == NOTHING
    assert summary(after([row(key="K")], [pending(key="K")])) == NOTHING


def test_within_a_window_the_bank_may_make_a_booked_row_pending_again() -> None:
    assert summary(after([row()], [pending()], MARCH)) == (0, [Reason.CHANGED], [])


# Pending becomes booked


@pytest.mark.parametrize(
    "booked",
    [
        row(day=15),
        row(day=9),
        row("CARD CAFE DE LA GARE 1003"),
        row(amount="-2.75"),
        row("CARD CAFE 1003", "-2.75", 15),
        row("SOMETHING ELSE"),
        row(amount="-9.99", references={"end_to_end": "E1"}),
        row(amount="-11"),
    ],
    ids=["later", "a day early", "text", "amount", "all", "other text only", "reference", "pre-authorisation"],
)
@pytest.mark.parametrize("keys", [(None, None), ("K1", "K2")], ids=["keyless", "new key"])
def test_in_a_window_a_pending_row_is_found_again(booked: TransactionRecord, keys: tuple[str, str]) -> None:
    first = pending(key=keys[0], references={"end_to_end": "E1"})
    assert summary(after([first], [replace(booked, key=keys[1])], MARCH)) == POSTED


@pytest.mark.parametrize(
    "other",
    [row(day=25), row("BOOKSHOP", "-2.75"), row(amount="2.40"), row(currency="USD"), row("BOOKSHOP", "-60")],
    ids=["much later", "other text and amount", "refund", "other currency", "nothing in common"],
)
def test_something_else_is_not_the_posted_form(other: TransactionRecord) -> None:
    assert summary(after([pending()], [other], MARCH)) == (1, [], [Reason.EXPIRED_PENDING])


def test_without_a_window_only_strong_evidence_posts_a_row() -> None:
    assert summary(after([pending()], [row(day=12)])) == POSTED
    assert summary(after([pending()], [row(day=12, key="K")])) == POSTED
    assert summary(after([pending()], [row("CAFE DE LA GARE", day=12)])) == TWO_ROWS
    assert summary(after([pending()], [row(amount="-2.50")])) == TWO_ROWS
    assert summary(after([pending("")], [row("", day=12)])) == TWO_ROWS


def test_an_equal_reference_is_strong_evidence() -> None:
    first = pending("AUTH", references={"end_to_end": "E1"}, key="K1")
    assert summary(after([first], [row(day=12, references={"end_to_end": "E1"}, key="K2")])) == POSTED
    assert summary(after([first], [row(amount="-7", references={"end_to_end": "E1"}, key="K2")])) == TWO_ROWS


def test_a_foreign_purchase_is_found_by_its_original_amount() -> None:
    booked = row("AMAZON", "-9.20", 12, original_amount=Decimal(-10), original_currency="USD")
    assert summary(after([pending("AMAZON", "-10", currency="USD")], [booked], MARCH)) == POSTED


def test_a_key_called_gone_is_paired_with_the_row_that_replaces_it() -> None:
    assert summary(after([pending(key="P")], [row("CARD CAFE", "-2.60", 12, key="B")], None, ["P"])) == POSTED


def test_the_purchase_with_the_same_day_of_payment_is_the_same_purchase() -> None:
    ledger = Ledger()
    ledger.take([pending(day=4), pending(day=6)], MARCH)
    was = {each.id: each.day for each in ledger.rows.values()}
    ledger.take([row(day=8, transaction_date=date(2026, 3, 6)), row(day=9, transaction_date=date(2026, 3, 4))], MARCH)
    assert {was[each.id].day: each.day.day for each in ledger.rows.values()} == {6: 8, 4: 9}


def test_otherwise_the_first_paid_is_the_first_booked() -> None:
    ledger = Ledger()
    ledger.take([pending(day=4), pending(day=6)], MARCH)
    was = {each.id: each.day for each in ledger.rows.values()}
    ledger.take([row(day=8), row(day=9)], MARCH)
    assert {was[each.id].day: each.day.day for each in ledger.rows.values()} == {4: 8, 6: 9}


def test_the_right_text_beats_the_right_amount() -> None:
    held = [pending("HOTEL ADLON BERLIN", "-50")]
    changes = after(held, [row("SHOES AND MORE", "-50", 12), row("HOTEL ADLON BERLIN", "-52", 12)], MARCH)
    assert [each.incoming.record.text for each in changes.changed] == ["HOTEL ADLON BERLIN"]


def test_a_pre_authorisation_may_change_before_it_is_posted() -> None:
    assert summary(after([pending()], [pending(amount="-2.75")], MARCH)) == (0, [Reason.CHANGED], [])
    assert summary(after([pending()], [pending(amount="-2.75")])) == TWO_ROWS


# Booked rows


@pytest.mark.parametrize("corrected", [row("OTHER WORDS"), row(day=13), row(day=8)])
def test_a_correction_is_recognised_in_a_window_only(corrected: TransactionRecord) -> None:
    assert summary(after([row()], [corrected], MARCH)) == (0, [Reason.CORRECTED], [])
    assert summary(after([row()], [corrected])) == TWO_ROWS


def test_the_same_amount_and_text_next_week_is_another_purchase() -> None:
    assert summary(after([row()], [row(day=17)], MARCH)) == (1, [], [Reason.WITHDRAWN])


def test_a_refund_is_a_row_of_its_own() -> None:
    assert summary(after([row()], [row(), row(amount="2.40")], MARCH)) == TWO_ROWS


# Windows


def test_absence_means_something_inside_the_window_only() -> None:
    assert summary(after([row(day=5), row(day=20)], [], Window(date(2026, 3, 1), date(2026, 3, 5)))) == (
        0,
        [],
        [Reason.WITHDRAWN],
    )
    assert summary(after([row(), pending()], [])) == NOTHING


def test_a_window_for_pending_rows_leaves_booked_ones_alone() -> None:
    assert summary(after([row(), pending("BAKER")], [], PENDING_MARCH)) == (0, [], [Reason.EXPIRED_PENDING])


def test_what_the_provider_calls_gone_is_gone() -> None:
    assert summary(after([row(key="K1"), row(key="K2")], [], None, ["K1", "K9"])) == (0, [], [Reason.WITHDRAWN])


def test_what_is_called_gone_and_delivered_is_there() -> None:
    assert summary(after([row(key="K")], [row("CAFE 2", key="K")], None, ["K"])) == (0, [Reason.CORRECTED], [])


def test_intraday_report_notification_and_statement_are_one_row() -> None:
    ledger = Ledger()
    said = {"account_servicer": "S1"}
    assert summary(ledger.take([pending("REWE BERLIN", day=9), pending("PARKING", "-3", 9)])) == (2, [], [])
    assert summary(ledger.take([row("REWE BERLIN", day=10, key="S1", references=said)])) == POSTED
    statement = [row("REWE SAGT DANKE BERLIN", day=10, references=said)]
    assert summary(ledger.take(statement, PENDING_MARCH)) == (0, [Reason.CORRECTED], [Reason.EXPIRED_PENDING])
    assert len(ledger.rows) == 1
    assert summary(ledger.take(statement, PENDING_MARCH)) == NOTHING


# For any rows at all

_RECORDS = st.lists(
    st.builds(
        lambda text, amount, day, status, key, reference: row(
            text, amount, day, status=status, key=key, references={"end_to_end": reference} if reference else {}
        ),
        st.sampled_from(["CAFE", "CAFE GARE", "BAKER", ""]),
        st.sampled_from(["-2.40", "-2.50", "-3", "2.40"]),
        st.integers(8, 14),
        st.sampled_from(list(TransactionStatus)),
        st.sampled_from([None, None, "1", "2", "3"]),
        st.sampled_from([None, None, None, "E1"]),
    ),
    max_size=8,
)
_WINDOWS = st.sampled_from([None, MARCH, PENDING_MARCH, Window(date(2026, 3, 10), date(2026, 3, 12))])
_REMOVED = st.lists(st.sampled_from(["1", "2", "3"]), unique=True, max_size=2)


@settings(max_examples=100, deadline=None)
@given(_RECORDS, _RECORDS, _WINDOWS, _REMOVED)
def test_the_same_answer_twice_changes_nothing(
    first: list[TransactionRecord], second: list[TransactionRecord], window: Window | None, removed: list[str]
) -> None:
    ledger = Ledger()
    ledger.take(first)
    ledger.take(second, window, removed)
    assert summary(ledger.take(second, window, removed)) == NOTHING


@settings(max_examples=100, deadline=None)
@given(_RECORDS, _RECORDS, _WINDOWS, _REMOVED, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_records_does_not_matter(
    first: list[TransactionRecord],
    second: list[TransactionRecord],
    window: Window | None,
    removed: list[str],
    shuffling: random.Random,
) -> None:
    ledger = Ledger()
    ledger.take(first)
    held, incoming = list(ledger.rows.values()), prepare(second).all()
    straight = reconcile(held, incoming, window, removed)
    shuffling.shuffle(held)
    shuffling.shuffle(incoming)
    assert reconcile(held, incoming, window, removed) == straight


@settings(max_examples=100, deadline=None)
@given(_RECORDS, _RECORDS, _WINDOWS, _REMOVED)
def test_every_row_and_every_record_is_accounted_for_once(
    first: list[TransactionRecord], second: list[TransactionRecord], window: Window | None, removed: list[str]
) -> None:
    ledger = Ledger()
    ledger.take(first)
    held, incoming = list(ledger.rows.values()), prepare(second).all()
    changes = reconcile(held, incoming, window, removed)
    assert len(changes.added) + len(changes.changed) + changes.unchanged == len(incoming)
    touched = [*(each.id for each in changes.changed), *(each.id for each in changes.removed)]
    assert len(set(touched)) == len(touched)
    assert set(touched) <= {each.id for each in held}
    by_id = {each.id: each for each in held}
    for gone in (by_id[each.id] for each in changes.removed):
        assert gone.identity[2:] in removed or (window and window.covers(gone))


@settings(max_examples=100, deadline=None)
@given(_RECORDS, _RECORDS)
def test_after_a_complete_window_we_hold_what_the_bank_shows(
    first: list[TransactionRecord], second: list[TransactionRecord]
) -> None:
    ledger = Ledger()
    ledger.take(first)
    ledger.take(second, MARCH)
    shown = prepare(second).records
    assert Counter(map(content, ledger.rows.values())) == Counter(map(content, shown))


# Cost


def _spread(number: int, status: TransactionStatus = TransactionStatus.BOOKED) -> TransactionRecord:
    day = date(2026, 3, 1 + number % 28)
    return TransactionRecord(
        account_key="a", amount=Decimal(-number), currency="EUR", booking_date=day, text=f"SHOP {number}", status=status
    )


SHAPES: dict[str, Callable[[int], tuple[TransactionRecord, TransactionRecord]]] = {
    "different amounts and words": lambda n: (_spread(n, PENDING), _spread(n + 500_000)),
    "one amount, one day, other words": lambda n: (pending(f"A{n}"), row(f"B{n}")),
    "one amount, one day, one text, other keys": lambda n: (row(key=f"A{n}"), row(key=f"B{n}")),
    "one text, drifting amounts": lambda n: (pending(amount=f"-{n + 1}"), row(amount=f"-{n + 1}.5")),
    "one reference": lambda n: (
        pending(f"A{n}", f"-{n + 1}", references={"end_to_end": "E"}),
        row(f"B{n}", f"-{n + 2}", references={"end_to_end": "E"}),
    ),
}


def _seconds(shape: str, number: int, window: Window | None, tries: int = 1) -> float:
    """The work of reconciling so many rows. The quickest of a few tries is the work itself; the others may have swept
    the memory of the tests before this one.
    """
    pairs = [SHAPES[shape](n) for n in range(number)]
    held = [
        held_row(UUID(int=n + 1), each.identity, each.hash, each.record)
        for n, each in enumerate(prepare([first for first, _ in pairs]).all())
    ]
    incoming = prepare([second for _, second in pairs]).all()
    return min(_work(partial(reconcile, held, incoming, window)) for _ in range(tries))


def _work(done: Callable[[], object]) -> float:
    began = time.process_time()
    done()
    return time.process_time() - began


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("window", [None, MARCH], ids=["partial", "window"])
def test_the_cost_does_not_grow_with_the_product_of_both_sides(shape: str, window: Window | None) -> None:
    # Eight times the rows would be sixty-four times the work of a comparison of all with all.
    few, many = (_seconds(shape, number, window, tries=3) for number in (200, 1600))
    assert many < 20 * few + 0.2


def test_twenty_thousand_rows_that_match_nothing_take_seconds() -> None:
    assert _seconds("different amounts and words", 20_000, None) < 20


def test_what_we_hold_exactly_so_is_settled_by_identity_and_hash() -> None:
    incoming = prepare([row(), row("BAKER"), row("FLORIST")])
    same, other, new = incoming.all()
    held = {same.identity: same.hash, other.identity: b"another hash", "p:K": b"not in the batch"}
    assert unmatched(held, incoming) == ([other, new], {other.identity, "p:K"})


def test_rows_as_many_as_records_are_not_yet_the_same_rows() -> None:
    incoming = prepare([row(), row("BAKER")])
    same, new = incoming.all()
    assert unmatched({same.identity: same.hash, "p:K": b""}, incoming) == ([new], {"p:K"})


def test_days_far_apart_do_not_matter_to_a_key() -> None:
    late = row(day=1, key="K")
    moved = replace(late, booking_date=late.day + timedelta(days=200))
    assert summary(after([late], [moved])) == (0, [Reason.CORRECTED], [])
