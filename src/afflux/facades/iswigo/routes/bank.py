"""Accounts and their transactions, over all connections of the user (contract: section 5.5)."""

from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from afflux.facades.iswigo.auth import with_recent_token
from afflux.facades.iswigo.documented import problems
from afflux.facades.iswigo.given import GivenRuntime, GivenUser
from afflux.facades.iswigo.ranges import DEFAULT, Range, RangeText, ranged
from afflux.facades.iswigo.requests import JsonRequest
from afflux.facades.iswigo.wire.bank import AccountObject, TransactionObject, account_object, transaction_object
from afflux.store import accounts, transactions
from afflux.web.answers import answer
from afflux.web.routes import get_often


@get_often("/bank/accounts", guards=[with_recent_token], responses=problems())
async def list_accounts(
    request: JsonRequest, runtime: GivenRuntime, user: GivenUser, range_text: RangeText = DEFAULT
) -> Response[list[AccountObject]]:
    """The user's accounts, oldest first; a card comes after the account it is debited from."""
    window = Range.parse(range_text)
    async with runtime.database.reading() as tx:
        total = await accounts.count(tx, user.application_id, user.id)
        held = await accounts.of_user(tx, user.application_id, user.id, window.first, window.width)
    items = [account_object(account) for account in held]
    return ranged(request, "accounts", window, items, total, runtime.settings.public_url)


@get_often("/bank/accounts/{account_id:uuid}", guards=[with_recent_token], responses=problems(404))
async def get_account(account_id: FromPath[UUID], runtime: GivenRuntime, user: GivenUser) -> Response[AccountObject]:
    """One account."""
    async with runtime.database.reading() as tx:
        return answer(account_object(await accounts.by_id(tx, user.application_id, user.id, account_id)))


@get_often("/bank/accounts/{account_id:uuid}/transactions", guards=[with_recent_token], responses=problems(404))
async def list_transactions(
    request: JsonRequest,
    account_id: FromPath[UUID],
    runtime: GivenRuntime,
    user: GivenUser,
    range_text: RangeText = DEFAULT,
) -> Response[list[TransactionObject]]:
    """The account's transactions, newest day first."""
    window = Range.parse(range_text)
    async with runtime.database.reading() as tx:
        place = (user.application_id, user.id, account_id, window.first, window.width)
        total, held = await transactions.page(tx, *place)
    items = [transaction_object(line) for line in held]
    return ranged(request, "transactions", window, items, total, runtime.settings.public_url)


@get_often(
    "/bank/accounts/{account_id:uuid}/transactions/{transaction_id:uuid}",
    guards=[with_recent_token],
    responses=problems(404),
)
async def get_transaction(
    account_id: FromPath[UUID], transaction_id: FromPath[UUID], runtime: GivenRuntime, user: GivenUser
) -> Response[TransactionObject]:
    """One transaction of the account."""
    async with runtime.database.reading() as tx:
        held = await transactions.by_id(tx, user.application_id, user.id, account_id, transaction_id)
    return answer(transaction_object(held))


HANDLERS = (list_accounts, get_account, list_transactions, get_transaction)
