"""What a transaction was for, by simple rules over its text: the first rule of `categories.json` with a keyword in it.

Texts are compared as words of plain lower-case letters and digits, so that `CAFÉ-TABAC` has the word `cafe`. A keyword
such as `#fee` stands for a type of transaction. The rules are ours, in French and English; they know nothing of any
user, and give the same answer for the same text everywhere.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from afflux.domain.records import TransactionType

#: For what no rule knows.
UNKNOWN = "UNCATEGORIZED"

_MARKS = re.compile("[\u0300-\u036f]+")
_BETWEEN_WORDS = re.compile("[^A-Za-z0-9]+")


class CategoryType(StrEnum):
    """What money does to whoever spends it."""

    EXPENSE = "EXPENSE"
    INCOME = "INCOME"
    TRANSFER = "TRANSFER"


@dataclass(frozen=True, slots=True)
class Category:
    """One purpose; `parent` names the wider one."""

    id: str
    label: str
    type: CategoryType
    parent: str | None


_READ = json.loads(files("afflux.domain").joinpath("categories.json").read_text(encoding="utf-8"))

#: By id, each parent before its children.
CATEGORIES = {id: Category(id, label, CategoryType(type), parent) for id, label, type, parent in _READ["categories"]}
#: Categories and their keywords, in the order in which they are tried.
RULES: tuple[tuple[str, tuple[str, ...]], ...] = tuple((category, tuple(words)) for category, words in _READ["rules"])


def folded(text: str, type: TransactionType) -> str:
    """The text as it is compared: its words and the type, each between two spaces."""
    plain = _MARKS.sub("", unicodedata.normalize("NFD", text))
    return f" {_BETWEEN_WORDS.sub(' ', plain).strip().lower()} #{type} "


def category_of(text: str, type: TransactionType) -> str:
    """The id of the category of a transaction with this text."""
    words = folded(text, type)
    return next((category for category, pattern in _PATTERNS if pattern.search(words)), UNKNOWN)


def conditions(category: str) -> list[tuple[str, str | None]]:
    """What the folded texts of a category have in common, for a database to search by.

    Each pair is a pattern that is found in them and one that is not, where there is such a one; one pair is enough.
    """
    if category == UNKNOWN:
        return [("", _any_of(RULES))]
    return [
        (_any_of(RULES[place : place + 1]), _any_of(RULES[:place]) if place else None)
        for place, (name, _) in enumerate(RULES)
        if name == category
    ]


def _any_of(rules: Sequence[tuple[str, tuple[str, ...]]]) -> str:
    """A pattern for Python and PostgreSQL alike."""
    return f" ({'|'.join(word for _, words in rules for word in words)}) "


_PATTERNS = tuple((rule[0], re.compile(_any_of([rule]))) for rule in RULES)
