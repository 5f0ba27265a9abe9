"""Accounts (contract: section 3.5)."""

from typing import Annotated

from litestar import Response, delete, get, patch
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from afflux.facades.oxlin.auth import by_user
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.errors import bad
from afflux.facades.oxlin.given import GivenPage, GivenPrincipal, GivenRuntime, GivenUser
from afflux.facades.oxlin.routes.connections import connection_of
from afflux.facades.oxlin.scopes import MANAGE_ACCOUNTS, READ_ACCOUNTS
from afflux.facades.oxlin.wire.accounts import (
    AccountChanges,
    AccountObject,
    AccountStatus,
    Type,
    Usage,
    account_object,
    core_standings,
    core_types,
)
from afflux.facades.oxlin.wire.values import answer, number_in, number_of
from afflux.services import account_removal
from afflux.store import accounts, overviews

_reads = by_user(READ_ACCOUNTS, MANAGE_ACCOUNTS)
_manages = by_user(MANAGE_ACCOUNTS)
#: Characters of a name.
_LONGEST = 255


@get("/accounts", guards=[_reads], responses=problems())
async def list_accounts(
    runtime: GivenRuntime,
    user: GivenUser,
    piece: GivenPage,
    connection_id: FromQuery[str | None] = None,
    type: FromQuery[Type | None] = None,
    status: FromQuery[AccountStatus | None] = None,
    usage: FromQuery[Usage | None] = None,
    q: Annotated[str | None, QueryParameter(description="A part of name, number or IBAN")] = None,
) -> Response[list[AccountObject]]:
    """The user's accounts, oldest first."""
    async with runtime.database.reading() as tx:
        found = await overviews.accounts(
            tx,
            user.application_id,
            user.id,
            piece.first,
            piece.limit,
            connection=None if connection_id is None else number_in(connection_id) or 0,
            types=None if type is None else core_types(type),
            standings=None if status is None else core_standings(status),
            is_professional=None if usage is None else usage is Usage.PROFESSIONAL,
            words=q,
        )
    return answer([account_object(account) for account in found])


@get("/accounts/{account_id:str}", guards=[_reads], responses=problems(404))
async def get_account(account_id: FromPath[str], runtime: GivenRuntime, user: GivenUser) -> Response[AccountObject]:
    """One account."""
    async with runtime.database.reading() as tx:
        found = await overviews.account(tx, user.application_id, user.id, number_of(account_id))
    return answer(account_object(found))


@patch("/accounts/{account_id:str}", status_code=200, guards=[_manages], responses=problems(404, 415))
async def change_account(
    account_id: FromPath[str], data: JSONBody[AccountChanges], runtime: GivenRuntime, user: GivenUser
) -> Response[AccountObject]:
    """Call the account otherwise, or say what it is used for; synchronisations leave both alone."""
    if data.name is not None and not 0 < len(data.name) <= _LONGEST:
        raise bad("name")
    number = number_of(account_id)
    professional = None if data.usage is None else data.usage is Usage.PROFESSIONAL
    async with runtime.database.transaction() as tx:
        held = await overviews.account(tx, user.application_id, user.id, number)
        await accounts.name(tx, user.application_id, held.id, data.name, professional)
        changed = await overviews.account(tx, user.application_id, user.id, number)
    return answer(account_object(changed))


@delete("/accounts/{account_id:str}", status_code=204, guards=[_manages], responses=problems(404))
async def delete_account(
    account_id: FromPath[str], runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser
) -> None:
    """Delete the account with its transactions; with the last one goes its channel, and then the connection."""
    async with runtime.database.transaction() as tx:
        account = await overviews.account(tx, user.application_id, user.id, number_of(account_id))
        connection = await connection_of(tx, user, account.connection_number)
        await account_removal.remove(tx, principal, connection, account.id)


HANDLERS = (list_accounts, get_account, change_account, delete_account)
