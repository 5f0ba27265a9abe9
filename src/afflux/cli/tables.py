"""Accounts, transactions, documents and events as JSON and as tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from rich.table import Table

from afflux.domain.accounts import Account, Document, Transaction
from afflux.domain.events import Event


def shown(value: Account | Transaction | Document | Event) -> dict[str, Any]:
    """Every field of a value that may be shown."""
    hidden = {"blob_id"}
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in hidden}


def accounts_table(accounts: Sequence[Account]) -> Table:
    """Accounts for people."""
    table = _table("Account", "Type", "Number", ">Balance", "Currency", "Status")
    for each in accounts:
        balance = "" if each.balance is None else f"{each.balance:,f}"
        table.add_row(each.name, each.type, each.iban or each.account_number, balance, each.currency, each.status)
    return table


def transactions_table(transactions: Iterable[Transaction], names: Mapping[object, str]) -> Table:
    """Transactions for people."""
    table = _table("Day", "Account", ">Amount", "Currency", "Text", "Status")
    for each in transactions:
        row = (f"{each.amount:+,f}", each.currency, _one_line(each.text or each.counterparty or ""), each.status)
        table.add_row(each.day.isoformat(), names.get(each.account_id, ""), *row)
    return table


def documents_table(documents: Iterable[Document]) -> Table:
    """Documents for people."""
    table = _table("Id", "Name", "Type", ">Bytes", "Dated")
    for each in documents:
        table.add_row(
            str(each.id), f"{each.name}.{each.extension}", each.type, str(each.size), f"{each.dated_at:%Y-%m-%d %H:%M}"
        )
    return table


def events_table(events: Iterable[Event]) -> Table:
    """Events for people."""
    table = _table(">Position", "Time", "Type", "Data")
    for each in events:
        data = ", ".join(f"{key}={_brief(value)}" for key, value in each.data.items())
        table.add_row(str(each.position), f"{each.created_at:%H:%M:%S.%f}"[:-3], each.type, data)
    return table


def _brief(value: object) -> str:
    return f"{len(value)} ids" if isinstance(value, list) and len(value) > 1 else str(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.removeprefix(">"), justify="right" if right else "left", overflow="fold")
    return table
