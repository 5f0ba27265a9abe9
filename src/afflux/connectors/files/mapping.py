"""What the owner of a file says about it, because its format does not: a JSON object."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from afflux.connectors.files import values
from afflux.connectors.files.safety import FileInvalid

#: Column roles that take one column each.
ROLES = frozenset(
    {
        *(
            "booking_date",
            "value_date",
            "transaction_date",
            "amount",
            "debit",
            "credit",
            "sign",
            "text",
            "counterparty",
        ),
        *(
            "counterparty_account",
            "currency",
            "account",
            "id",
            "type",
            "status",
            "balance",
            "check_number",
            "original_amount",
        ),
        *("original_currency", "references"),
    }
)

_KEYS = frozenset(
    {
        *("account", "currency", "name", "columns", "delimiter", "quote", "encoding", "decimal_mark", "date_format"),
        *("skip_rows", "skip_end", "header", "invert", "debit_values", "pending_values"),
    }
)

Column = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """What holds for the whole file where the file itself does not say it."""

    account: str | None = None
    #: ISO 4217.
    currency: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """How to read a file. Only `columns` is for CSV alone."""

    constants: Constants = Constants()
    delimiter: str | None = None
    quote: str = '"'
    encoding: str | None = None
    decimal_mark: str | None = None
    #: `strptime` directives, or `DD.MM.YYYY` letters.
    date_format: str | None = None
    #: Lines before the header (or the first row), and rows at the end, that are not data.
    skip_rows: int = 0
    skip_end: int = 0
    header: bool = True
    #: Column by role; `text` may take several.
    columns: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    #: Column by name of reference.
    references: Mapping[str, Column] = field(default_factory=dict)
    #: Expenses are positive in the file.
    invert: bool = False
    #: Values of the `sign` column that mean money out.
    debit_values: frozenset[str] = frozenset({"d", "dr", "dbit", "debit", "-", "s", "soll", "af", "af (debit)"})
    #: Values of the `status` column that mean pending.
    pending_values: frozenset[str] = frozenset({"pending", "pdng", "vorgemerkt", "en attente", "hold"})


def read_mapping(text: str | None) -> FileMapping:
    """The mapping, every key checked: an unknown one is a mistake that must not pass silently."""
    if text is None or not text.strip():
        return FileMapping()
    given = _object(text)
    for key in given:
        if key not in _KEYS:
            raise FileInvalid(f"Mapping: {values.shown(key)} is not known.")
    columns, references = _columns(given)
    defaults = FileMapping()
    return FileMapping(
        constants=_constants(given),
        delimiter=_one_character(given, "delimiter"),
        quote=_one_character(given, "quote") or defaults.quote,
        encoding=_text(given, "encoding"),
        decimal_mark=_one_of(given, "decimal_mark", (".", ",")),
        date_format=_text(given, "date_format"),
        skip_rows=_count(given, "skip_rows"),
        skip_end=_count(given, "skip_end"),
        header=_flag(given, "header", default=True),
        columns=columns,
        references=references,
        invert=_flag(given, "invert", default=False),
        debit_values=_words(given, "debit_values", defaults.debit_values),
        pending_values=_words(given, "pending_values", defaults.pending_values),
    )


def _constants(given: dict[str, Any]) -> Constants:
    currency = _text(given, "currency")
    return Constants(
        account=_text(given, "account"),
        currency=values.currency(currency, "Mapping, currency") if currency else None,
        name=_text(given, "name"),
    )


def _object(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
        json.dumps(given, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise FileInvalid("Mapping: this is not JSON.") from None
    if not isinstance(given, dict) or "\\u0000" in text:
        raise FileInvalid("Mapping: a JSON object is needed.")
    return given


def _columns(given: dict[str, Any]) -> tuple[dict[str, tuple[Column, ...]], dict[str, Column]]:
    columns = given.get("columns", {})
    if not isinstance(columns, dict):
        raise FileInvalid("Mapping, columns: a JSON object is needed.")
    for role in columns:
        if role not in ROLES:
            raise FileInvalid(
                f"Mapping, columns: {values.shown(role)} is not known; there are {', '.join(sorted(ROLES))}."
            )
    references = columns.get("references", {})
    if not isinstance(references, dict):
        raise FileInvalid("Mapping, columns, references: a JSON object is needed.")
    plain = {role: _column_list(role, column) for role, column in columns.items() if role != "references"}
    return plain, {name: _column_list(name, column)[0] for name, column in references.items()}


def _column_list(role: str, given: object) -> tuple[Column, ...]:
    columns = given if isinstance(given, list) and role == "text" else [given]
    for column in columns:
        if isinstance(column, bool) or not isinstance(column, str | int) or column == "" or column in range(-1000, 0):
            raise FileInvalid(
                f"Mapping, columns, {values.shown(role)}: a column's name or its number from 0 is needed."
            )
    if not columns:
        raise FileInvalid(f"Mapping, columns, {values.shown(role)}: a column is needed.")
    return tuple(columns)


def _text(given: dict[str, Any], key: str) -> str | None:
    value = given.get(key)
    if value is not None and (not isinstance(value, str) or not value.strip() or len(value) > 200):
        raise FileInvalid(f"Mapping, {key}: a short text is needed.")
    return value


def _one_character(given: dict[str, Any], key: str) -> str | None:
    value = given.get(key)
    if value is not None and (not isinstance(value, str) or len(value) != 1 or value in "\r\n"):
        raise FileInvalid(f"Mapping, {key}: one character is needed.")
    return value


def _one_of(given: dict[str, Any], key: str, choices: tuple[str, ...]) -> str | None:
    value = given.get(key)
    if value is not None and value not in choices:
        raise FileInvalid(f"Mapping, {key}: one of {' '.join(choices)} is needed.")
    return value


def _count(given: dict[str, Any], key: str) -> int:
    value = given.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10_000:
        raise FileInvalid(f"Mapping, {key}: a number from 0 to 10000 is needed.")
    return value


def _flag(given: dict[str, Any], key: str, *, default: bool) -> bool:
    value = given.get(key, default)
    if not isinstance(value, bool):
        raise FileInvalid(f"Mapping, {key}: true or false is needed.")
    return value


def _words(given: dict[str, Any], key: str, default: frozenset[str]) -> frozenset[str]:
    value = given.get(key)
    if value is None:
        return default
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise FileInvalid(f"Mapping, {key}: a list of texts is needed.")
    return frozenset(word.strip().casefold() for word in value)
