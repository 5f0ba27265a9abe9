"""What a transaction was for, by simple rules over its text: the first keyword of `categories.json` that occurs in it.

Texts are compared as words of plain lower-case letters and digits, so that `CAFÉ-TABAC` has the word `cafe`. A keyword
such as `#fee` stands for a type of transaction. The rules are ours, in French and English; they know nothing of any
user, and give the same answer for the same text everywhere.
"""

import json
import re
import unicodedata
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
#: Keyword and category, in the order in which they are tried.
RULES: tuple[tuple[str, str], ...] = tuple(
    (keyword, category) for category, keywords in _READ["rules"] for keyword in keywords
)


def folded(text: str, type: TransactionType) -> str:
    """The text as it is compared: its words and the type, each between two spaces."""
    plain = _MARKS.sub("", unicodedata.normalize("NFD", text))
    return f" {_BETWEEN_WORDS.sub(' ', plain).strip().lower()} #{type} "


def category_of(text: str, type: TransactionType) -> str:
    """The id of the category of a transaction with this text."""
    words = folded(text, type)
    return next((category for keyword, category in RULES if f" {keyword} " in words), UNKNOWN)
