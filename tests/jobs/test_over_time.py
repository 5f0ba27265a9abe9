"""The bank's clock moves on: what was announced is booked, what was wrong goes, and every row keeps its id."""

from decimal import Decimal

import pytest

from afflux.domain.accounts import AccountStatus
from afflux.domain.records import TransactionStatus
from afflux.domain.syncs import SyncKind, SyncStatus
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.jobs.acting import (
    accounts_of,
    advance,
    events_of,
    ids,
    link,
    named,
    request,
    rows_of,
    synchronise,
    until,
    working,
)

NOTHING = {"added": 0, "changed": 0, "removed": 0}


@pytest.mark.parametrize(
    "word", ["pending", "pending-id", "pending-date", "pending-text", "pending-amount", "pending-all"]
)
async def test_a_purchase_keeps_its_id_from_announcement_to_booking(runtime: Runtime, alice: Tenant, word: str) -> None:
    connection = await link(runtime, alice, f"fast+quiet+{word}")
    async with working(runtime):
        await synchronise(runtime, alice, connection)
        (announced,) = await rows_of(runtime, alice)
        await advance(runtime, 3)
        ended = await synchronise(runtime, alice, connection)
        (booked,) = await rows_of(runtime, alice)
    assert (announced.status, booked.status) == (TransactionStatus.PENDING, TransactionStatus.BOOKED)
    assert booked.id == announced.id
    assert ended.result["transactions"] == NOTHING | {"changed": 1, "unchanged": 0}


@pytest.mark.parametrize("mistake", ["withdrawn", "removed"])
async def test_everything_that_can_happen_in_three_days_happens_once(
    runtime: Runtime, alice: Tenant, mistake: str
) -> None:
    words = "pending-gone+twins+late+corrected+repeated+foreign"
    connection = await link(runtime, alice, f"fast+quiet+{words}+{mistake}")
    async with working(runtime):
        await synchronise(runtime, alice, connection)
        before = await rows_of(runtime, alice)
        await advance(runtime, 3)
        ended = await synchronise(runtime, alice, connection)
        after = await rows_of(runtime, alice)
        again = await synchronise(runtime, alice, connection)
    assert ended.result["transactions"] == {"added": 1, "changed": 1, "removed": 2, "unchanged": 5}
    assert again.result["transactions"] == NOTHING | {"unchanged": 7}
    assert len(named(before, "CAFE DES ARTS")) == len(named(after, "CAFE DES ARTS")) == 2
    assert ids(named(before, "CAFE DES ARTS")) == ids(named(after, "CAFE DES ARTS"))
    assert ids(named(before, "LIBRAIRIE")) == ids(named(after, "RECTIFIE"))
    assert len(named(after, "TRAINS REGIONAUX")) == len(named(after, "PEAGE DE L'OUEST")) == 1
    assert not named(after, "PARKING NORD") + named(after, "ENCAISSEMENT ERRONE")
    (dinner,) = named(after, "HARBOR DINER")
    assert (dinner.amount, dinner.original_amount, dinner.original_currency) == (
        Decimal("-46.12"), Decimal("-50.00"), "USD",
    )  # fmt: skip


@pytest.mark.parametrize("keys", ["no-keys", "unstable-keys", "positional-keys"])
async def test_rows_keep_their_ids_whatever_the_bank_calls_them(runtime: Runtime, alice: Tenant, keys: str) -> None:
    connection = await link(runtime, alice, f"fast+{keys}+twins")
    async with working(runtime):
        first = await synchronise(runtime, alice, connection)
        before = await rows_of(runtime, alice)
        second = await synchronise(runtime, alice, connection)
    assert first.result["transactions"]["added"] == len(before) > 200
    assert ids(await rows_of(runtime, alice)) == ids(before)
    assert second.result["transactions"]["added"] == second.result["transactions"]["removed"] == 0


@pytest.mark.parametrize("word", ["renumbered", "rekeyed"])
async def test_an_account_with_another_number_is_the_same_account(runtime: Runtime, alice: Tenant, word: str) -> None:
    connection = await link(runtime, alice, f"fast+{word}")
    async with working(runtime):
        await synchronise(runtime, alice, connection)
        accounts, rows = await accounts_of(runtime, alice), await rows_of(runtime, alice)
        await advance(runtime, 3)
        await synchronise(runtime, alice, connection)
    now = await accounts_of(runtime, alice)
    assert [account.id for account in now] == [account.id for account in accounts]
    assert [account.parent_id for account in now] == [account.parent_id for account in accounts]
    assert (now[0].iban != accounts[0].iban) == (word == "renumbered")
    assert ids(rows) <= ids(await rows_of(runtime, alice))


@pytest.mark.parametrize(("word", "status"), [("closed", AccountStatus.CLOSED), ("vanished", AccountStatus.NOT_FOUND)])
async def test_an_account_that_ends_stays_with_its_rows_and_says_so(
    runtime: Runtime, alice: Tenant, word: str, status: AccountStatus
) -> None:
    connection = await link(runtime, alice, f"fast+accounts-2+{word}")
    async with working(runtime):
        await synchronise(runtime, alice, connection)
        rows = await rows_of(runtime, alice)
        await advance(runtime, 3)
        await synchronise(runtime, alice, connection)
        written = len(await events_of(runtime, alice))
        again = await synchronise(runtime, alice, connection)
    assert sorted(account.status for account in await accounts_of(runtime, alice)) == sorted(["active", status])
    assert ids(rows) <= ids(await rows_of(runtime, alice))
    told = [event for event in (await events_of(runtime, alice))[written:] if event.type.startswith("account.")]
    assert again.status is SyncStatus.FINISHED
    assert not told


async def test_an_account_that_the_user_deleted_comes_back_only_when_accounts_are_listed(
    runtime: Runtime, alice: Tenant
) -> None:
    connection = await link(runtime, alice, "fast+accounts-2")
    async with working(runtime):
        await synchronise(runtime, alice, connection)
        first, second = await accounts_of(runtime, alice)
        rows = len(await rows_of(runtime, alice))
        async with runtime.database.transaction() as tx:
            await tx.execute("DELETE FROM transactions WHERE account_id = $1", second.id)
            await tx.execute("UPDATE accounts SET status = 'deleted' WHERE id = $1", second.id)
        await synchronise(runtime, alice, connection)
        assert [account.id for account in await accounts_of(runtime, alice)] == [first.id]
        listing = await request(runtime, alice, connection, SyncKind.ACCOUNTS)
        await until(runtime, listing, SyncStatus.FINISHED)
    still, anew = await accounts_of(runtime, alice)
    assert (still.id, anew.account_number) == (first.id, second.account_number)
    assert anew.id != second.id
    assert len(await rows_of(runtime, alice)) == rows
