"""Identity and hash of incoming records."""

from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afflux.domain.identity import neighbourhood, normalised, prepare, strong_references
from afflux.domain.records import KeyQuality, TransactionRecord, TransactionStatus, TransactionType

DAY = date(2026, 3, 10)


def coffee(**changes: object) -> TransactionRecord:
    plain = TransactionRecord(
        account_key="a", amount=Decimal("-2.40"), currency="EUR", booking_date=DAY, text="Café de la Gare"
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def identities(*records: TransactionRecord) -> list[str]:
    return list(prepare(records).identities)


def test_a_provider_key_names_the_record() -> None:
    assert identities(coffee(key="K1")) == ["p:K1"]


@pytest.mark.parametrize("quality", [KeyQuality.DERIVED, KeyQuality.POSITIONAL])
def test_any_other_key_does_not(quality: KeyQuality) -> None:
    assert identities(coffee(key="1", key_quality=quality)) == identities(coffee(key="2", key_quality=quality))
    assert identities(coffee(key="1", key_quality=quality))[0].startswith("f:")


def test_two_identical_purchases_are_two() -> None:
    first, second = identities(coffee(), coffee())
    assert first.endswith(":0")
    assert second == first.removesuffix("0") + "1"


def test_an_empty_key_is_no_key() -> None:
    assert len(set(identities(coffee(key=""), coffee(key="")))) == 2


def test_the_same_key_and_content_twice_is_one_row() -> None:
    rows = coffee(key="K1"), coffee(key="K2"), coffee(key="K1", raw="page 2")
    assert sorted(identities(*rows)) == ["p:K1", "p:K2"]
    assert prepare(rows[::-1]).hashes[0] in prepare(rows).hashes


def test_a_row_in_both_the_pending_and_the_booked_list_is_one_booked_row() -> None:
    pending = coffee(key="K1", status=TransactionStatus.PENDING)
    booked = coffee(key="K1", booking_date=DAY + timedelta(days=2), text="CARD Cafe")
    assert prepare([pending, booked]).records == [booked]
    assert prepare([booked, pending]).records == [booked]


def test_a_key_given_to_different_movements_names_none_of_them() -> None:
    rows = [coffee(key="0"), coffee(key="0", amount=Decimal("-9")), coffee(key="K1")]
    assert sorted(name[0] for name in identities(*rows)) == ["f", "f", "p"]


def test_identities_are_the_same_in_any_order() -> None:
    rows = [coffee(key="0"), coffee(key="0", text="Other"), coffee(key="K1"), coffee(key="K1"), coffee(), coffee()]
    assert sorted(identities(*rows)) == sorted(identities(*reversed(rows)))


OTHER: dict[str, object] = {
    "status": TransactionStatus.PENDING,
    "amount": Decimal("-2.41"),
    "currency": "CHF",
    "booking_date": DAY + timedelta(days=1),
    "value_date": DAY,
    "transaction_date": DAY,
    "type": TransactionType.CARD,
    "text": "Other",
    "counterparty": "Gare",
    "counterparty_account": "FR76",
    "references": {"bank": "1"},
    "check_number": "7",
    "original_amount": Decimal(3),
    "original_currency": "USD",
    "settlement_month": "2026-04",
    "raw": "{}",
}


def test_every_stored_field_counts_in_the_hash() -> None:
    known_otherwise = {"account_key", "key", "key_quality"}
    assert OTHER.keys() == {field.name for field in fields(TransactionRecord)} - known_otherwise
    hashes = [prepare([coffee(**{name: value})]).hashes[0] for name, value in OTHER.items()]
    assert len({prepare([coffee()]).hashes[0], *hashes}) == len(OTHER) + 1
    assert {len(digest) for digest in hashes} == {16}


def test_the_account_and_the_key_do_not_count_in_the_hash() -> None:
    renumbered = coffee(account_key="b", key="K9")
    assert prepare([coffee()]).hashes[0] == prepare([renumbered]).hashes[0]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_trailing_zeros_of_an_amount_do_not_count(amount: Decimal) -> None:
    longer = amount.quantize(Decimal("0.0001"))
    assert prepare([coffee(amount=amount)]).hashes[0] == prepare([coffee(amount=longer)]).hashes[0]


def test_references_count_in_no_order() -> None:
    one, other = {"bank": "1", "mandate": "2"}, {"mandate": "2", "bank": "1"}
    assert prepare([coffee(references=one)]).hashes[0] == prepare([coffee(references=other)]).hashes[0]


def test_text_is_compared_by_its_words() -> None:
    assert normalised("  CARTE 12/03\tCafé-Bar ") == normalised("carte 12 03 CAFÉ BAR") == "carte 12 03 café bar"


def test_placeholders_and_recurring_references_name_nothing() -> None:
    said = {
        "end_to_end": "NOTPROVIDED",
        "bank": "NONREF",
        "mandate": "M1",
        "creditor": "C1",
        "account_servicer": "0000",
    }
    assert strong_references(said) == {}


def test_the_banks_own_reference_goes_by_one_name() -> None:
    assert strong_references({"account_servicer": "X1"}) == strong_references({"bank": " X1 "}) == {"bank": "X1"}


def test_the_neighbourhood_reaches_as_far_as_a_pending_row_can_be_away() -> None:
    records = [coffee(), coffee(booking_date=DAY + timedelta(days=5))]
    assert neighbourhood(records, None, None) == (DAY - timedelta(days=10), DAY + timedelta(days=15))
    assert neighbourhood(records, DAY - timedelta(days=90), DAY) == (
        DAY - timedelta(days=90),
        DAY + timedelta(days=15),
    )


def test_a_window_without_records_is_its_own_neighbourhood() -> None:
    assert neighbourhood([], DAY, DAY) == (DAY, DAY)
    assert neighbourhood([], None, None) is None


def test_a_record_without_any_date_is_refused() -> None:
    with pytest.raises(ValueError, match="date"):
        neighbourhood([coffee(booking_date=None)], None, None)
