"""Which listed account is which held one."""

import random
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from afflux.domain.account_matching import AccountChanges, HeldAccount, match_accounts
from afflux.domain.records import AccountRecord, AccountType, KeyQuality


def held(nth: int, key: str, **more: object) -> HeldAccount:
    plain = HeldAccount(id=UUID(int=nth), key=key, type=AccountType.CURRENT, currency="EUR", name=f"Account {nth}")
    return replace(plain, **more)  # type: ignore[arg-type]


def listed(key: str, name: str = "Any", **more: object) -> AccountRecord:
    return replace(AccountRecord(key=key, name=name, currency="EUR"), **more)  # type: ignore[arg-type]


def summary(changes: AccountChanges) -> tuple[dict[int, str], list[str], list[int]]:
    """Key by number of the held account, keys of the new ones, numbers of the missing ones."""
    matched = {id.int: record.key for id, record in changes.matched}
    return matched, [record.key for record in changes.added], [id.int for id in changes.missing]


def test_the_key_comes_first() -> None:
    ours = [held(1, "A", iban="FR1"), held(2, "B", iban="FR2")]
    theirs = [listed("A", iban="FR2"), listed("B", iban="FR1")]
    assert summary(match_accounts(ours, theirs, True)) == ({1: "A", 2: "B"}, [], [])


def test_an_account_with_a_new_key_is_found_by_its_iban_however_it_is_written() -> None:
    ours = [held(1, "A", iban="FR7630006000011234567890189")]
    assert summary(match_accounts(ours, [listed("X", iban="fr76 3000 6000 0112 3456 7890 189")], False)) == (
        {1: "X"},
        [],
        [],
    )


def test_then_by_its_number() -> None:
    assert summary(match_accounts([held(1, "A", number="00123456")], [listed("X", number="00 123456")], False)) == (
        {1: "X"},
        [],
        [],
    )


def test_four_digits_of_a_masked_card_are_not_a_number() -> None:
    ours = [held(1, "A", number="**** 1234")]
    assert summary(match_accounts(ours, [listed("X", number="**** 1234")], False)) == ({}, ["X"], [1])


def test_sub_accounts_of_one_iban_are_told_apart_by_currency_and_type() -> None:
    ours = [held(1, "A", iban="FR1"), held(2, "B", iban="FR1", type=AccountType.SAVINGS)]
    theirs = [listed("X", iban="FR1", type=AccountType.SAVINGS), listed("Y", iban="FR1")]
    assert summary(match_accounts(ours, theirs, False)) == ({1: "Y", 2: "X"}, [], [])
    assert summary(match_accounts(ours[:1], [listed("Z", iban="FR1", currency="USD")], False)) == ({}, ["Z"], [1])


def test_two_alike_accounts_of_one_iban_are_not_guessed() -> None:
    ours = [held(1, "A", iban="FR1", name="Same"), held(2, "B", iban="FR1", name="Same")]
    assert summary(match_accounts(ours, [listed("X", "Same", iban="FR1")], True)) == ({}, ["X"], [1, 2])


def test_a_renumbered_account_is_recognised_in_a_complete_list_only() -> None:
    ours, theirs = [held(1, "A", iban="FR1", name="Main")], [listed("X", "main ", iban="FR2")]
    assert summary(match_accounts(ours, theirs, True)) == ({1: "X"}, [], [])
    assert summary(match_accounts(ours, theirs, False)) == ({}, ["X"], [1])


def test_a_renumbered_account_keeps_type_currency_name_and_owner() -> None:
    ours = [held(1, "A", name="Main", owner="Ada")]
    for other in ({"type": AccountType.SAVINGS}, {"currency": "CHF"}, {"name": "Second"}, {"owner": "Bob"}):
        theirs = [replace(listed("X", "Main", owner="Ada"), **other)]  # type: ignore[arg-type]
        assert summary(match_accounts(ours, theirs, True)) == ({}, ["X"], [1])


def test_two_accounts_that_look_alike_are_not_guessed() -> None:
    ours = [held(1, "A", name="Main"), held(2, "B", name="Main")]
    theirs = [listed("X", "Main"), listed("Y", "Main")]
    assert summary(match_accounts(ours, theirs, True)) == ({}, ["X", "Y"], [1, 2])


def test_a_deleted_account_is_found_by_its_key_only_and_is_never_missing() -> None:
    ours = [held(1, "A", iban="FR1", name="Main", deleted=True)]
    assert summary(match_accounts(ours, [listed("A")], True)) == ({1: "A"}, [], [])
    assert summary(match_accounts(ours, [listed("X", "Main", iban="FR1")], True)) == ({}, ["X"], [])


def test_a_held_account_comes_before_a_deleted_one_with_the_same_key() -> None:
    ours = [held(1, "A", deleted=True), held(2, "A")]
    assert summary(match_accounts(ours, [listed("A")], True)) == ({2: "A"}, [], [])


def test_a_place_in_a_list_names_an_account_after_its_iban() -> None:
    ours = [held(1, "0", iban="FR1"), held(2, "1")]
    theirs = [
        listed("1", key_quality=KeyQuality.POSITIONAL, iban="FR1"),
        listed("0", key_quality=KeyQuality.POSITIONAL, name="New"),
    ]
    assert summary(match_accounts(ours, theirs, False)) == ({1: "1"}, ["0"], [2])
    assert summary(match_accounts(ours[1:], [listed("1", key_quality=KeyQuality.POSITIONAL)], False)) == (
        {2: "1"},
        [],
        [],
    )


def test_an_account_listed_twice_counts_once() -> None:
    assert summary(match_accounts([], [listed("A"), listed("A", balance=Decimal(1))], True)) == ({}, ["A"], [])


_KEYS = st.sampled_from(["A", "B", "C", "D"])
_IBANS = st.sampled_from([None, "FR1", "FR2"])
_NAMES = st.sampled_from(["Main", "Second"])
_HELD = st.lists(st.tuples(_KEYS, _IBANS, _NAMES, st.booleans()), max_size=4, unique_by=lambda row: row[0])
_LISTED = st.lists(st.tuples(_KEYS, _IBANS, _NAMES), max_size=4)


@settings(max_examples=200, deadline=None)
@given(_HELD, _LISTED, st.booleans(), st.randoms(use_true_random=False))
def test_every_account_is_accounted_for_once_in_any_order(
    ours: list[tuple[str, str | None, str, bool]],
    theirs: list[tuple[str, str | None, str]],
    complete: bool,
    shuffling: random.Random,
) -> None:
    accounts = [held(n, key, iban=iban, name=name, deleted=gone) for n, (key, iban, name, gone) in enumerate(ours)]
    records = [listed(key, name, iban=iban) for key, iban, name in theirs]
    changes = match_accounts(accounts, records, complete)
    matched = [id for id, _ in changes.matched]
    keys = [record.key for _, record in changes.matched] + [record.key for record in changes.added]
    assert sorted(keys) == sorted({record.key for record in records})
    assert len({*matched, *changes.missing}) == len(matched) + len(changes.missing)
    forgotten = {account.id for account in accounts} - {*matched, *changes.missing}
    assert forgotten <= {account.id for account in accounts if account.deleted}
    shuffling.shuffle(accounts)
    shuffling.shuffle(records)
    assert match_accounts(accounts, records, complete) == changes
