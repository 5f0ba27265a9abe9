"""What a transaction was for, by simple rules over its text: the first rule of `categories.json` with a keyword in it.

Texts are compared as words of plain lower-case letters and digits, so that `CAFÉ-TABAC` has the word `cafe`. A keyword
such as `#fee` stands for a type of transaction. The rules are ours, in French and English; they know nothing of any
user, and give the same answer for the same text everywhere. A transaction keeps the category that it was written with,
so other rules need a migration (`store/categories.py`).
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
#: Of a plain character: itself in lower case where words have it, a space where they do not.
_PLAIN = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}


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


#: Each keyword with the place of its rule, by its first word.
_KEYWORDS: dict[str, list[tuple[str, int]]] = {}
for _place, (_, _keywords) in enumerate(RULES):
    for _keyword in _keywords:
        _KEYWORDS.setdefault(_keyword.split()[0], []).append((f" {_keyword} ", _place))


def words_of(text: str, type: TransactionType) -> list[str]:
    """The text as it is compared: its words, and the type."""
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFD", text)).encode("ascii", "replace").decode()
    return [*text.translate(_PLAIN).split(), f"#{type}"]


def category_of(text: str, type: TransactionType) -> str:
    """The id of the category of a transaction with this text."""
    words = words_of(text, type)
    # Asked for every new transaction: most texts have no keyword's first word, and this is the quickest way to see it.
    begun = _KEYWORDS.keys() & words
    if not begun:
        return UNKNOWN
    whole = f" {' '.join(words)} "
    found = [place for word in begun for keyword, place in _KEYWORDS[word] if keyword in whole]
    return RULES[min(found)][0] if found else UNKNOWN
