"""The category that a transaction keeps is the one that the rules say."""

from afflux.domain.categories import category_of
from afflux.domain.records import TransactionRecord, TransactionType
from afflux.runtime import Runtime
from afflux.store.categories import file_anew
from tests.conftest import Tenant
from tests.services.shelves import account, movement, shelf_for
from tests.store.test_days import take

TEXTS = ("CB CARREFOUR 12", "PRLV EDF", "CAFÉ-TABAC", "no rule knows this")


async def kept(runtime: Runtime) -> dict[str, str]:
    """Categories by text."""
    async with runtime.database.reading() as tx:
        return {row["text"]: row["category"] for row in await tx.fetch("SELECT text, category FROM transactions")}


def expected(*texts: str) -> dict[str, str]:
    """What the rules say of card payments with these texts."""
    return {text: category_of(text, TransactionType.CARD) for text in texts}


def paid(number: int, text: str) -> TransactionRecord:
    """A payment with a card."""
    return movement(number, key=str(number), text=text, type=TransactionType.CARD)


async def test_it_goes_by_what_the_transaction_says_now(runtime: Runtime, alice: Tenant) -> None:
    shelf = await shelf_for(runtime, alice)
    account_id = await shelf.account(account("a"))
    await take(shelf, account_id, [paid(number, text) for number, text in enumerate(TEXTS)])
    assert await kept(runtime) == expected(*TEXTS)
    assert len(set(expected(*TEXTS).values())) == 4
    await take(shelf, account_id, [paid(3, "SNCF")])
    assert await kept(runtime) == expected(*TEXTS[:3], "SNCF")


async def test_after_a_change_of_the_rules_all_are_filed_anew(runtime: Runtime, alice: Tenant) -> None:
    shelf = await shelf_for(runtime, alice)
    await take(shelf, await shelf.account(account("a")), [paid(number, text) for number, text in enumerate(TEXTS)])
    async with runtime.database.pool.acquire() as connection:
        await connection.execute("UPDATE transactions SET category = 'PETS'")
        await file_anew(connection)
    assert await kept(runtime) == expected(*TEXTS)
