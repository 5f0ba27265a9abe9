"""The history that the storage benchmarks store, and the account they store it in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from afflux.domain.jobs import RunSync
from afflux.domain.messages import AccountsListed, Checkpoint
from afflux.domain.records import AccountRecord, TransactionRecord, TransactionType
from afflux.domain.syncs import Sync
from afflux.runtime import Runtime
from afflux.services import accounts, syncs
from afflux.services.intake import Intake, Result
from afflux.store.database import Tx
from benchmarks.cast import CHANNEL, Tenant, link, request

KEY = "current"
#: Rows that are stored at once.
_PART = 100_000
#: The history goes back so many days, and ends on this one.
_DAYS, _LAST = 730, date(2026, 6, 30)
_SHOPS = ("BOULANGERIE DU PORT", "LIBRAIRIE L'ENCRIER", "STATION ROUTE 7", "PRIMEUR LES HALLES", "GARAGE DU CENTRE")


def history(count: int, part: range | None = None) -> list[TransactionRecord]:
    """`count` movements of one account over two years, each with its own key and reference; or only a part of them."""
    numbers = range(count) if part is None else part
    return [_movement(number, _LAST - timedelta(days=_DAYS * number // count)) for number in numbers]


def _movement(number: int, day: date) -> TransactionRecord:
    shop = _SHOPS[number % len(_SHOPS)]
    return TransactionRecord(
        account_key=KEY,
        key=f"{number:012d}",
        amount=-Decimal(100 + number % 99_991) / 100,
        currency="EUR",
        booking_date=day,
        value_date=day,
        transaction_date=day - timedelta(days=1),
        type=TransactionType.CARD,
        text=f"CARTE {day:%d/%m} {shop}",
        counterparty=shop,
        references={"end_to_end": f"E2E-{number:012d}"},
    )


def complete() -> Checkpoint:
    """The bank gave everything of those days."""
    return Checkpoint(account_key=KEY, cursor="1", complete_from=_LAST - timedelta(days=_DAYS), complete_to=_LAST)


@dataclass(frozen=True, slots=True)
class Stage:
    """A connection with one account, and whose it is."""

    runtime: Runtime
    tenant: Tenant
    sync: Sync

    async def intake(self) -> Intake:
        """The beginning of a run on this connection."""
        async with self.runtime.database.transaction() as tx:
            known, _ = await accounts.load(tx, self.sync)
        return Intake(
            self.runtime.database, self.runtime.vault.of(self.tenant.user), self.sync, CHANNEL, known, Result()
        )

    async def take(self, records: Sequence[TransactionRecord], *, part: bool = False) -> Result:
        """Take in a history, or a part of one, as from a connector up to the end of the run; what became of it."""
        intake = await self.intake()
        for record in records:
            await intake.take(record)
        await intake.take(Checkpoint(account_key=KEY) if part else complete())
        await intake.finish(_nothing)
        return intake.result


async def _nothing(tx: Tx) -> None:
    """The run is left open."""


async def stage(runtime: Runtime, tenant: Tenant) -> Stage:
    """A new connection with one account without movements, and a sync of it that runs here and not in a worker."""
    connection = await link(runtime, tenant, "bench")
    asked = await request(runtime, tenant, connection)
    async with runtime.database.transaction() as tx:
        job_id = await tx.value("SELECT job_id FROM syncs WHERE id = $1", asked.id)
        sync = await syncs.begin(tx, RunSync(asked.application_id, asked.id), job_id, 3600)
    assert sync is not None
    made = Stage(runtime, tenant, sync)
    intake = await made.intake()
    await intake.take(AccountRecord(key=KEY, name="Compte courant", currency="EUR"))
    await intake.take(AccountsListed())
    return made


async def stored(runtime: Runtime, tenant: Tenant, count: int) -> UUID:
    """A new account with so many transactions."""
    target = await stage(runtime, tenant)
    for start in range(0, count, _PART):
        await target.take(history(count, range(start, min(start + _PART, count))), part=True)
    (account_id,) = (await target.intake()).known.ids.values()
    assert account_id is not None
    return account_id
