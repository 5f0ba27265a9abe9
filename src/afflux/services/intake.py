"""Takes in what a connector yields: groups it, stores it batch by batch, and remembers what became of it.

A batch is stored in one transaction together with the connector's state, so that a run that dies is replayed from
what it left. A file is taken in as a whole: everything in one transaction at the end, or nothing.
"""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from afflux.domain.events import EventType
from afflux.domain.messages import (
    AccountsListed,
    Checkpoint,
    Hint,
    Message,
    Progress,
    Removed,
    StateUpdate,
    Warning,
)
from afflux.domain.records import AccountRecord, DocumentRecord, TransactionRecord
from afflux.domain.syncs import Sync
from afflux.services import accounts, channels, documents, places, syncs, transactions
from afflux.services.accounts import KnownAccounts, Listing
from afflux.services.transactions import Batch, Counts
from afflux.store import accounts as account_store
from afflux.store import connections
from afflux.store import syncs as sync_store
from afflux.store.database import Database, Tx
from afflux.store.vault import Sealer

#: Document bytes that are gathered before they are stored.
_DOCUMENT_BYTES = 8 * 1024 * 1024
#: Seconds, and points of progress, between two notes of how far a run is.
_NOTE_SECONDS, _NOTE_POINTS = 2.0, 10


@dataclass(slots=True)
class Result:
    """What a sync, or one file, has brought so far."""

    accounts: int = 0
    transactions: Counts = field(default_factory=Counts)
    documents_added: int = 0
    documents_changed: int = 0
    warnings: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, kept: Any) -> "Result":
        """From what `as_json` kept."""
        return cls(**{**kept, "transactions": Counts(**kept["transactions"])}) if kept else cls()

    @property
    def written(self) -> int:
        """How many rows were written: a run that is replayed writes none until it gets further than before."""
        rows = self.transactions
        return rows.added + rows.changed + rows.removed + self.documents_added + self.documents_changed

    def as_json(self) -> dict[str, Any]:
        """For keeping with the sync."""
        return asdict(self)


@dataclass(slots=True)
class Intake:
    """One run of one channel, from its first message to its last."""

    database: Database
    sealer: Sealer
    sync: Sync
    channel_id: int
    known: KnownAccounts
    result: Result
    #: A file: stored as a whole at the end, or not at all.
    whole: bool = False
    #: New accounts are taken in.
    grows: bool = True
    #: The data of some account could not be fetched.
    partial: bool = False
    #: How far the provider's clock runs ahead of ours.
    ahead: timedelta = timedelta(0)
    #: Part of the whole sync's progress that this run covers, in percent.
    share: tuple[float, float] = (0.0, 100.0)
    #: The recognised file format.
    format: str | None = None
    _accounts: list[AccountRecord] = field(default_factory=list)
    _listed: bool = False
    _records: defaultdict[str, list[TransactionRecord]] = field(default_factory=lambda: defaultdict(list))
    _removed: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _ready: list[Batch] = field(default_factory=list)
    _documents: list[DocumentRecord] = field(default_factory=list)
    _state: bytes | None = None
    _consent: Hint | None = None
    _entered: bool = False
    _noted: tuple[str, int, float] = ("", -1, 0.0)

    async def take(self, message: Message) -> None:
        """Take in any message but the last one. Raises `Fenced` when somebody else owns the sync."""
        match message:
            case AccountRecord():
                self._accounts.append(message)
            case AccountsListed():
                self._listed = True
                await self._store()
            case TransactionRecord():
                self._records[message.account_key].append(message)
            case Removed():
                self._removed[message.account_key].append(message.key)
            case Checkpoint():
                self._close(message)
                await self._store()
            case DocumentRecord():
                await self._take_document(message)
            case _:
                await self._take_circumstance(message)

    async def _take_circumstance(self, message: Message) -> None:
        """What is not data itself."""
        match message:
            case Progress():
                await self._note(message)
            case StateUpdate():
                self._state = message.state
            case Hint():
                self._take_hint(message)
            case Warning():
                self.partial = self.partial or message.account_key is not None
                self.warn(message.code, message.text)

    async def finish(self, then: Callable[[Tx], Awaitable[None]]) -> None:
        """The run ended well: store what is left, and in the same transaction do `then`."""
        for key in self._records.keys() | self._removed.keys():
            self._close(Checkpoint(account_key=key))
        async with self.database.transaction() as tx:
            await self.flush(tx)
            await then(tx)

    def warn(self, code: str, text: str) -> None:
        """Tell the owner of the data something, once."""
        warning = {"code": code, "text": text}
        if warning not in self.result.warnings:
            self.result.warnings.append(warning)

    def _close(self, checkpoint: Checkpoint) -> None:
        key = checkpoint.account_key
        self._ready.append(Batch(self._records.pop(key, []), self._removed.pop(key, []), checkpoint))

    async def _take_document(self, record: DocumentRecord) -> None:
        self._documents.append(record)
        if sum(len(document.content) for document in self._documents) >= _DOCUMENT_BYTES:
            await self._store()

    def _take_hint(self, hint: Hint) -> None:
        self.format = hint.format or self.format
        if hint.consent_expires_at is not None:
            self._consent = hint

    async def _note(self, progress: Progress) -> None:
        """Tell how far the run is, but not at every step."""
        start, end = self.share
        percent = int(start + (end - start) * progress.percent / 100)
        phase, noted, at = self._noted
        due = percent >= noted + _NOTE_POINTS or (percent > noted and time.monotonic() >= at + _NOTE_SECONDS)
        if progress.phase == phase and not due:
            return
        self._noted = (progress.phase, percent, time.monotonic())
        outside = progress.phase in ("connect", "auth")
        if outside and syncs.polling(self.sync):
            return  # Until the approval is there, nothing has happened.
        async with self.database.transaction() as tx:
            await syncs.progressed(tx, self.sync, self.channel_id, progress.phase, percent)
            if not outside:
                await self._enter(tx)

    async def _enter(self, tx: Tx) -> None:
        """The provider has let us in: told once in a stage, however often the run is begun again. After `hold`."""
        if not self._entered and self.sync.let_in != self.channel_id:
            await sync_store.let_in(tx, self.sync, self.channel_id)
            data = {"channel_id": self.channel_id, "channels": await channels.during(tx, self.sync)}
            tx.record(syncs.event(self.sync, EventType.CHANNEL_AUTHENTICATED, data))
        self._entered = True

    async def _store(self) -> None:
        if not self.whole:
            async with self.database.transaction() as tx:
                await self.flush(tx)

    async def flush(self, tx: Tx) -> None:
        """Store everything that is complete. Raises `Fenced` when somebody else owns the sync."""
        await syncs.hold(tx, self.sync)
        before = self.result.written
        if self._accounts or self._listed:
            await self._enter(tx)
            await self._flush_accounts(tx)
        for batch in self._ready:
            await self._flush_batch(tx, batch)
        self._ready = []
        await self._flush_documents(tx)
        await self._keep_state(tx)
        if self.sync.losses_here and self.result.written > before:
            await sync_store.forgive(tx, self.sync)

    async def _flush_accounts(self, tx: Tx) -> None:
        if self.whole:
            await self._check_chains(tx)
        self.result.accounts += len(self._accounts)
        listing = Listing(self.channel_id, self._accounts, complete=self._listed, grows=self.grows)
        await accounts.keep(tx, self.sync, listing, self.known)
        self._accounts, self._listed = [], False

    async def _check_chains(self, tx: Tx) -> None:
        """A statement has to open with the balance that the one before it closed with."""
        for record in self._accounts:
            account_id = self.known.ids.get(record.key)
            openings = sorted((each for each in record.balances if each.kind == "opening"), key=lambda each: each.day)
            if account_id is None or not openings:
                continue
            first = openings[0]
            broken = await account_store.broken_chain(tx, self.sync, account_id, first)
            if broken is not None:
                day, amount = broken
                self.warn(
                    "statement_gap",
                    f"{record.iban or record.key}: opens with {first.amount} on {first.day}, but the statement before "
                    f"it closed with {amount} on {day}; entries in between are missing",
                )

    async def _flush_batch(self, tx: Tx, batch: Batch) -> None:
        key = batch.checkpoint.account_key
        if key not in self.known.ids:
            self.warn("unknown_account", f"transactions of an account that was not listed ({key}) are left out")
        account_id = self.known.ids.get(key)
        if account_id is not None:
            self.result.transactions.add(await transactions.keep(tx, self.sync, account_id, batch))

    async def _flush_documents(self, tx: Tx) -> None:
        if not self._documents:
            return
        added, changed = await documents.keep(tx, self.sealer, self.sync, self.known, self._documents)
        self.result.documents_added += added
        self.result.documents_changed += changed
        self._documents = []

    async def _keep_state(self, tx: Tx) -> None:
        """Keep what the connector wants back next time; after a failure too, for its token may be a new one."""
        application_id, connection_id = self.sync.application_id, self.sync.connection_id
        if self._state is not None:
            place = places.channel_state(application_id, connection_id, self.channel_id)
            sealed = self.sealer.seal(place, self._state)
            await connections.set_channel_state(tx, application_id, connection_id, self.channel_id, sealed)
            self._state = None
        if self._consent is not None and self._consent.consent_expires_at is not None:
            expires_at = self._consent.consent_expires_at - self.ahead
            await connections.set_consent_end(tx, application_id, connection_id, self.channel_id, expires_at)
            self._consent = None
