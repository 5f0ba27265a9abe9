"""Accounts, transactions, documents and events as JSON and as tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal
from uuid import UUID

from rich.table import Table
from rich.text import Text

from afflux.cli.options import clean
from afflux.domain.accounts import Account, Document, Transaction
from afflux.domain.events import Event

#: Columns of a terminal from which on tables show more.
_WIDE = 120


def shown(value: Account | Transaction | Document | Event) -> dict[str, Any]:
    """Every field of a value that may be shown."""
    hidden = {"blob_id"}
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in hidden}


def accounts_table(accounts: Sequence[Account], width: int) -> Table:
    """Accounts for people, with their ids where there is room."""
    wide = width >= _WIDE
    table = _table(*(["Id"] if wide else []), "~Account", "Type", "Number", ">Balance", "Currency", "Status")
    for each in accounts:
        balance = "" if each.balance is None else f"{each.balance:,f}"
        row = (each.name, each.type, each.iban or each.account_number, balance, each.currency, each.status)
        _add(table, *([each.id] if wide else []), *row)
    return table


def transactions_table(transactions: Iterable[Transaction], names: Mapping[UUID, str]) -> Table:
    """Transactions for people."""
    table = _table("Day", "~Account", ">Amount", "Currency", "~Text", "Status")
    for each in transactions:
        text = " ".join((each.text or each.counterparty or "").split())
        _add(table, each.day, names.get(each.account_id, ""), f"{each.amount:+,f}", each.currency, text, each.status)
    return table


def documents_table(documents: Iterable[Document], width: int) -> Table:
    """Documents for people, with their sizes where there is room."""
    wide = width >= _WIDE
    table = _table("Id", "~Name", "Type", "Dated", *([">Bytes"] if wide else []))
    for each in documents:
        row = (each.id, f"{each.name}.{each.extension}", each.type, each.dated_at.date())
        _add(table, *row, *([each.size] if wide else []))
    return table


def events_table(events: Iterable[Event]) -> Table:
    """Events for people."""
    table = _table(">Position", "Time", "Type", "~Data")
    for each in events:
        data = ", ".join(f"{key}={_brief(value)}" for key, value in each.data.items())
        _add(table, each.position, f"{each.created_at:%H:%M:%S.%f}"[:-3], each.type, data)
    return table


def _brief(value: Any) -> str:
    """A value of an event in a few words: channels by how they stand, and of many ids how many they are."""
    match value:
        case [{"channel_id": _, "status": _}, *_]:
            return " ".join(f"{channel['channel_id']} {channel['status']}" for channel in value)
        case [_, _, *_]:
            return f"{len(value)} ids"
    return str(value)


def _table(*columns: str) -> Table:
    """A table whose rows are one line each: `~` marks the columns that are cut where there is no room, `>` numbers."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column[0] == ">" else "left"
        table.add_column(column.lstrip("~>"), justify=justify, no_wrap=column[0] != "~")
    return table


def _add(table: Table, *cells: object) -> None:
    """A row of other people's texts: nothing in them is markup or a command to the terminal."""
    table.add_row(*(Text(clean(cell), no_wrap=True, overflow="ellipsis") for cell in cells))
