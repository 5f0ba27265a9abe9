"""Transactions (contract: section 3.6)."""

from typing import Annotated

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from afflux.facades.oxlin.auth import by_user
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.given import GivenPage, GivenRuntime, GivenUser
from afflux.facades.oxlin.scopes import READ_TRANSACTIONS
from afflux.facades.oxlin.wire import accounts as wire_accounts
from afflux.facades.oxlin.wire.transactions import (
    Origin,
    TransactionObject,
    first_day,
    last_day,
    moment,
    money,
    statuses,
    transaction_object,
)
from afflux.facades.oxlin.wire.values import answer, number_in, number_of
from afflux.store import transaction_search
from afflux.store.transaction_search import Search

_reads = by_user(READ_TRANSACTIONS)
_Statuses = Annotated[str | None, QueryParameter(description="Names of statuses, separated by commas")]
_Amount = Annotated[str | None, QueryParameter(description="A signed amount, such as -12.5")]
_Second = Annotated[int | None, QueryParameter(description="Seconds since 1970, inclusive")]


@get("/transactions", guards=[_reads], responses=problems())
async def list_transactions(
    runtime: GivenRuntime,
    user: GivenUser,
    piece: GivenPage,
    account_id: FromQuery[str | None] = None,
    origin: FromQuery[Origin | None] = None,
    included_statuses: _Statuses = None,
    excluded_statuses: _Statuses = None,
    amount: _Amount = None,
    min_amount: _Amount = None,
    max_amount: _Amount = None,
    account_type: FromQuery[wire_accounts.Type | None] = None,
    start_date: _Second = None,
    end_date: _Second = None,
    category_id: FromQuery[str | None] = None,
    start_import_date: _Second = None,
) -> Response[list[TransactionObject]]:
    """The user's transactions, oldest import first, and within one second the last row first."""
    search = Search(
        account=None if account_id is None else number_in(account_id) or 0,
        account_types=None if account_type is None else wire_accounts.core_types(account_type),
        statuses=statuses(included_statuses, excluded_statuses),
        amount=money("amount", amount),
        least=money("min_amount", min_amount),
        most=money("max_amount", max_amount),
        first_day=first_day(start_date),
        last_day=last_day(end_date),
        imported_since=moment(start_import_date),
        category=category_id,
    )
    if origin not in (None, Origin.TRANSACTION):
        return answer([])
    async with runtime.database.reading() as tx:
        found = await transaction_search.find(tx, user.application_id, user.id, search, piece.first, piece.limit)
    return answer([transaction_object(each) for each in found])


@get("/transactions/{transaction_id:str}", guards=[_reads], responses=problems(404))
async def get_transaction(
    transaction_id: FromPath[str], runtime: GivenRuntime, user: GivenUser
) -> Response[TransactionObject]:
    """One transaction."""
    async with runtime.database.reading() as tx:
        found = await transaction_search.by_number(tx, user.application_id, user.id, number_of(transaction_id))
    return answer(transaction_object(found))


HANDLERS = (list_transactions, get_transaction)
