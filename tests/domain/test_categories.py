"""Categories by rules."""

import hashlib

import pytest

from afflux.domain.categories import CATEGORIES, RULES, UNKNOWN, category_of, words_of
from afflux.domain.records import TransactionType


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("CB CARREFOUR CITY 12/03", "SUPERMARKET"),
        ("Café-Tabac du Port", "RESTAURANT"),
        ("CAFÉ DES SPORTS", "RESTAURANT"),
        ("PRLV SEPA ORANGE SA", "TELECOM"),
        ("VIR SALAIRE MARS ACME", "SALARY"),
        ("LOYER AVRIL", "RENT"),
        ("Uber Eats Paris", "RESTAURANT"),
        ("UBER TRIP", "TAXI"),
        ("RETRAIT DAB 20 EUR", "CASH_WITHDRAWAL"),
        ("Pharmacie de la Gare", "PHARMACY"),
        ("SUBERBIA", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_text_tells_what_the_money_was_for(text: str, category: str) -> None:
    assert category_of(text, TransactionType.OTHER) == category


def test_where_the_text_says_nothing_the_type_does() -> None:
    assert category_of("X 1234", TransactionType.FEE) == "BANK_FEES"
    assert category_of("X 1234", TransactionType.CASH) == "CASH_WITHDRAWAL"
    assert category_of("X 1234", TransactionType.CARD) == UNKNOWN


def test_other_rules_come_with_a_migration() -> None:
    rules = hashlib.sha256(repr(RULES).encode()).hexdigest()
    assert rules.startswith("091f1dbfa04d2a7d"), "transactions keep their category: call `file_anew` in a migration"


def test_the_rules_name_known_categories_in_plain_words() -> None:
    for category, keywords in RULES:
        assert category in CATEGORIES
        for keyword in keywords:
            name = keyword.removeprefix("#")
            assert words_of(name, TransactionType.OTHER) == [*name.split(), "#other"], keyword
    for category in CATEGORIES.values():
        assert category.parent is None or CATEGORIES[category.parent].parent is None
