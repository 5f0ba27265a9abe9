"""Accounts, movements and documents put straight where a sync puts them, for tests that need just these."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from afflux.domain.messages import Checkpoint
from afflux.domain.records import AccountRecord, DocumentRecord, TransactionRecord
from afflux.domain.syncs import Sync
from afflux.runtime import Runtime
from afflux.services import documents, transactions
from afflux.services.accounts import KnownAccounts, digest
from afflux.services.transactions import Batch
from afflux.store import accounts
from tests.conftest import Tenant
from tests.jobs.acting import link, request

DAY = date(2026, 6, 30)


@dataclass(frozen=True)
class Shelf:
    """A connection of a user, and a sync of it that brings what a test says."""

    runtime: Runtime
    tenant: Tenant
    sync: Sync

    async def account(self, record: AccountRecord, parent: UUID | None = None) -> UUID:
        """Add an account."""
        async with self.runtime.database.transaction() as tx:
            account_id = UUID(int=self.sync.id.int ^ hash(record.key) & 2**62 - 1)
            await accounts.insert(tx, self.sync, 100000, account_id, record, digest(record))
            if parent is not None:
                await accounts.set_parent(tx, self.sync, account_id, parent)
        return account_id

    async def movements(self, account_id: UUID, records: Sequence[TransactionRecord]) -> None:
        """Add movements."""
        async with self.runtime.database.transaction() as tx:
            batch = Batch(records, (), Checkpoint(account_key=records[0].account_key))
            await transactions.keep(tx, self.sync, account_id, batch)

    async def documents(self, records: Sequence[DocumentRecord]) -> None:
        """Add documents."""
        async with self.runtime.database.transaction() as tx:
            sealer = self.runtime.vault.of(self.tenant.user)
            await documents.keep(tx, sealer, self.sync, KnownAccounts(), records)


async def shelf_for(runtime: Runtime, tenant: Tenant) -> Shelf:
    """A new connection of the tenant's user."""
    connection = await link(runtime, tenant, "fast")
    return Shelf(runtime, tenant, await request(runtime, tenant, connection))


def account(key: str = "current", **given: object) -> AccountRecord:
    """An account in euros."""
    return AccountRecord(**{"key": key, "name": "Compte courant", "currency": "EUR", **given})  # type: ignore[arg-type]


def movement(number: int = 0, day: date = DAY, **given: object) -> TransactionRecord:
    """A booked movement with a key of its own."""
    said = {"key": f"{number:07d}", "amount": Decimal("-4.20"), "booking_date": day, "text": f"CARTE {number}", **given}
    return TransactionRecord(account_key="current", currency="EUR", **said)  # type: ignore[arg-type]


def document(key: str = "a", **given: object) -> DocumentRecord:
    """A PDF of the provider."""
    said = {"name": f"Relevé {key}", "extension": "pdf", "mime": "application/pdf", "content": b"%PDF " + key.encode()}
    return DocumentRecord(key=key, created_at=datetime(2026, 6, 30, tzinfo=UTC), **{**said, **given})  # type: ignore[arg-type]
