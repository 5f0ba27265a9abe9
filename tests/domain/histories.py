"""Generated banks with a known truth, each of which misbehaves in its own ways.

The truth is an omniscient ledger: it knows which movement a record is, so it needs no pairing. Ours sees records only.
After every checkpoint both must hold the same rows. `python -m tests.domain.histories 10000` plays so many histories.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from afflux.domain.identity import neighbourhood, normalised, prepare
from afflux.domain.reconcile import Changes, Held, Window, reconcile, unmatched
from afflux.domain.records import KeyQuality, TransactionRecord, TransactionStatus

START = date(2026, 1, 5)
DAYS = 50
BOOKED, PENDING = TransactionStatus.BOOKED, TransactionStatus.PENDING
SHOPS = ("BAKER", "BUS TICKET", "GROCER", "FUEL STATION", "HOTEL", "BOOKSHOP", "PHARMACY", "CINEMA", "RENT", "SALARY")
PLACES = ("PARIS", "LYON", "LILLE", "NICE", "BREST", "METZ")


class Keys(StrEnum):
    """What a bank's keys are worth."""

    STABLE = "stable"
    NONE = "none"
    CHANGE_WHEN_POSTED = "change_when_posted"
    CHANGE_ON_EVERY_FETCH = "change_on_every_fetch"


class Feed(StrEnum):
    """How a bank hands out its rows."""

    SLIDING_WINDOW = "sliding_window"
    RANDOM_WINDOWS = "random_windows"
    WINDOW_IN_CHUNKS = "window_in_chunks"
    DELTA = "delta"
    STATEMENT_FILES = "statement_files"


class Ledger:
    """What we hold, in memory: applies `Changes` exactly as a store has to."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Held] = {}
        self._given = 0

    def take(
        self, records: Iterable[TransactionRecord], window: Window | None = None, removed: Iterable[str] = ()
    ) -> Changes:
        """One checkpoint: decide and apply."""
        incoming = prepare(list(records))
        gone = frozenset(removed)
        near = neighbourhood(incoming.records, window.start if window else None, window.end if window else None)
        known = {row.identity: row.hash for row in self.rows.values() if near and near[0] <= row.day <= near[1]}
        left, around = unmatched(known, incoming)
        around |= ({each.identity for each in left} | {f"p:{key}" for key in gone}) - known.keys()
        held = [row for row in self.rows.values() if row.identity in around]
        changes = reconcile(held, left, window, gone)
        self.apply(changes)
        return changes

    def apply(self, changes: Changes) -> None:
        """Remove, change, add; then no two rows may share an identity."""
        for lost in changes.removed:
            del self.rows[lost.id]
        for change in changes.changed:
            assert change.id in self.rows, "changed a row that is not held"
            self.rows[change.id] = held_row(
                change.id, change.incoming.identity, change.incoming.hash, change.incoming.record
            )
        for each in changes.added:
            self._given += 1
            new = UUID(int=self._given)
            self.rows[new] = held_row(new, each.identity, each.hash, each.record)
        identities = Counter(row.identity for row in self.rows.values())
        assert not [name for name, number in identities.items() if number > 1], "identities are unique"


def held_row(id: UUID, identity: str, digest: bytes, record: TransactionRecord) -> Held:
    """The row as it is kept."""
    return Held(
        id=id,
        identity=identity,
        hash=digest,
        status=record.status,
        day=record.day,
        value_date=record.value_date,
        transaction_date=record.transaction_date,
        amount=record.amount,
        currency=record.currency,
        text=record.text,
        counterparty=record.counterparty,
        references=record.references,
    )


@dataclass
class Movement:
    """One real movement of money and the days on which the bank changes what it shows of it; `None` shows nothing."""

    number: int
    #: Purchases of one origin were identical before the bank changed them at random.
    origin: int
    shown: list[tuple[date, TransactionRecord | None]]

    def on(self, today: date) -> TransactionRecord | None:
        """What the bank shows today."""
        now = None
        for since, record in self.shown:
            if since <= today:
                now = record
        return now


Content = tuple[object, ...]


def content(row: Held | TransactionRecord) -> Content:
    """What a person sees of a row."""
    return (row.status, row.day, row.amount, row.currency, normalised(row.text))


@dataclass
class Batch:
    """What one checkpoint brings: records by the movement they are, and what is said about the rest."""

    records: list[tuple[int, TransactionRecord]]
    window: Window | None = None
    removed: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Outcome:
    """What one history showed."""

    syncs: int = 0
    #: Rows held twice or lost although the bank gave the evidence: must stay zero.
    wrong: list[str] = field(default_factory=list)
    #: Rows whose id moved although the bank told them apart.
    moved: list[str] = field(default_factory=list)
    #: Rows outside every declared window that no algorithm could tell, while they last.
    undecidable: int = 0
    #: Ids that moved between rows that the bank itself does not tell apart.
    swapped: int = 0
    #: Rows that persisted from one batch to the next.
    persisted: int = 0


class Bank:
    """Truth, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.keys = self.random.choice(list(Keys))
        self.feed = self.random.choice(self._feeds())
        self.with_references = self.random.random() < 0.3
        self.drifts = {name for name in ("date", "text", "amount") if self.random.random() < 0.5}
        self.movements: list[Movement] = []
        self._fetches = 0
        for _ in range(self.random.randint(5, 25)):
            self._purchase()

    def _feeds(self) -> list[Feed]:
        windows = [Feed.SLIDING_WINDOW, Feed.RANDOM_WINDOWS, Feed.WINDOW_IN_CHUNKS]
        if self.keys in (Keys.STABLE, Keys.CHANGE_WHEN_POSTED):
            return [*windows, Feed.DELTA]
        return [*windows, Feed.STATEMENT_FILES] if self.keys is Keys.NONE else windows

    def _purchase(self) -> None:
        day = START + timedelta(days=self.random.randrange(DAYS))
        amount = -Decimal(self.random.choice((240, 300, self.random.randrange(100, 90_000)))) / 100
        text = f"{self.random.choice(SHOPS)} {self.random.choice(PLACES)}"
        copies, origin = self.random.choice((1, 1, 1, 1, 2, 3)), len(self.movements)
        for _ in range(copies):
            self._history(day, amount, text, origin)
        if self.random.random() < 0.1:
            self._history(day + timedelta(days=self.random.randrange(4)), -amount, text, -1)

    def _history(self, day: date, amount: Decimal, text: str, origin: int) -> None:
        """One movement: perhaps pending first, perhaps late, corrected or withdrawn."""
        number, draw = len(self.movements), self.random.random
        seen = day + timedelta(days=self.random.randrange(1, 9) if draw() < 0.15 else 0)
        record = TransactionRecord(
            account_key="a",
            amount=amount,
            currency="EUR",
            booking_date=day,
            text=text,
            references={"account_servicer": f"S{number:05}"} if self.with_references else {},
        )
        shown: list[tuple[date, TransactionRecord | None]] = []
        if draw() < 0.5:
            shown.append((seen, replace(record, status=PENDING, references={} if draw() < 0.5 else record.references)))
            seen += timedelta(days=self.random.randrange(1, 6))
            if draw() < 0.15:
                self.movements.append(Movement(number, origin, [*shown, (seen, None)]))
                return
            record = self._posted(record, seen)
        shown.append((seen, record))
        if draw() < 0.1 and self.feed is not Feed.STATEMENT_FILES:
            seen += timedelta(days=self.random.randrange(1, 6))
            shown.append((seen, self._corrected(record) if draw() < 0.6 else None))
        self.movements.append(Movement(number, origin, shown))

    def _posted(self, record: TransactionRecord, seen: date) -> TransactionRecord:
        """The booked form of a pending row, changed in the ways of this bank."""
        if "date" in self.drifts:
            record = replace(record, booking_date=min(record.day + timedelta(days=self.random.randrange(-1, 6)), seen))
        if "text" in self.drifts:
            record = replace(record, text=f"CARD {record.text} {self.random.randrange(1000, 9999)}")
        if "amount" in self.drifts:
            factor = Decimal(self.random.randrange(85, 116)) / 100
            record = replace(record, amount=(record.amount * factor).quantize(Decimal("0.01")))
        return record

    def _corrected(self, record: TransactionRecord) -> TransactionRecord:
        if self.random.random() < 0.5:
            return replace(record, text=f"{record.text} CORRECTED")
        return replace(record, booking_date=record.day + timedelta(days=self.random.choice((-2, -1, 1, 2))))

    def syncs(self) -> Iterator[list[Batch]]:
        """What each sync brings, until long after the last change."""
        today = START
        last: dict[int, TransactionRecord] = {}
        while today < START + timedelta(days=DAYS + 40):
            now = {each.number: record for each in self.movements if (record := each.on(today)) is not None}
            yield self._batches(now, last, today)
            last = now
            today += timedelta(days=self.random.randrange(1, 6))

    def _batches(
        self, now: dict[int, TransactionRecord], last: dict[int, TransactionRecord], today: date
    ) -> list[Batch]:
        match self.feed:
            case Feed.DELTA:
                return [self._delta(now, last)]
            case Feed.STATEMENT_FILES:
                return self._statement_files(now, last, today)
            case Feed.SLIDING_WINDOW:
                return [self._window(now, today - timedelta(days=30), today + timedelta(days=10))]
            case Feed.RANDOM_WINDOWS:
                start = today - timedelta(days=self.random.randrange(3, 40))
                return [self._window(now, start, today + timedelta(days=10))]
            case Feed.WINDOW_IN_CHUNKS:
                return self._chunks(now, today)

    def _window(self, now: dict[int, TransactionRecord], start: date, end: date) -> Batch:
        inside = [(number, record) for number, record in now.items() if start <= record.day <= end]
        return Batch(self._listed(inside), Window(start, end))

    def _chunks(self, now: dict[int, TransactionRecord], today: date) -> list[Batch]:
        cuts = [today - timedelta(days=30), today - timedelta(days=self.random.randrange(5, 25)), today]
        first = self._window(now, cuts[0], cuts[1])
        second = self._window(now, cuts[1] + timedelta(days=1), cuts[2] + timedelta(days=10))
        return [first, second] if self.random.random() < 0.5 else [second, first]

    def _delta(self, now: dict[int, TransactionRecord], last: dict[int, TransactionRecord]) -> Batch:
        before = {number: self._keyed(number, record).key for number, record in last.items()}
        news = [(number, record) for number, record in now.items() if last.get(number) != record]
        after = {number: self._keyed(number, record).key for number, record in now.items()}
        gone = [(number, key) for number, key in before.items() if key and after.get(number) != key]
        return Batch(self._listed(news), None, gone)

    def _statement_files(
        self, now: dict[int, TransactionRecord], last: dict[int, TransactionRecord], today: date
    ) -> list[Batch]:
        """Intraday report with all of the last days, notification of what is newly booked, statement."""
        recent = [(n, r) for n, r in now.items() if r.day >= today - timedelta(days=12)]
        booked = [(n, r) for n, r in now.items() if r.status is BOOKED]
        news = [(n, r) for n, r in booked if last.get(n) != r]
        still_pending = [r.day for r in now.values() if r.status is PENDING]
        settled = min([today, *(day - timedelta(days=1) for day in still_pending)])
        window = Window(START - timedelta(days=30), settled, True) if settled >= START else None
        # Without a reference two equal purchases in two notifications cannot be told from one that is notified twice.
        notification = Batch(self._listed(news if self.with_references else booked))
        return [Batch(self._listed(recent)), notification, Batch(self._listed(booked), window)]

    def _keyed(self, number: int, record: TransactionRecord) -> TransactionRecord:
        match self.keys:
            case Keys.STABLE:
                return replace(record, key=f"K{number}")
            case Keys.CHANGE_WHEN_POSTED:
                return replace(record, key=f"{record.status.value[0]}{number}")
            case Keys.CHANGE_ON_EVERY_FETCH:
                return replace(record, key=f"{self._fetches}-{number}")
            case Keys.NONE:
                return replace(record, key_quality=KeyQuality.DERIVED)

    def _listed(self, rows: list[tuple[int, TransactionRecord]]) -> list[tuple[int, TransactionRecord]]:
        """In the bank's order, newest first, with keys; overlapping pages repeat rows that have a key of their own."""
        self._fetches += 1
        newest_first = sorted(rows, key=lambda row: (row[1].day, row[0]), reverse=True)
        listed = [(number, self._keyed(number, record)) for number, record in newest_first]
        if listed and self.keys in (Keys.STABLE, Keys.CHANGE_WHEN_POSTED) and self.random.random() < 0.3:
            listed += self.random.sample(listed, min(3, len(listed)))
        if self.random.random() < 0.3:
            self.random.shuffle(listed)
        return listed


class History:
    """One bank, our ledger beside the truth."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.bank = Bank(seed)
        self.random = random.Random(seed + 1)
        self.ours = Ledger()
        self.truth: dict[int, TransactionRecord] = {}
        self.ids: dict[int, UUID] = {}
        self.outcome = Outcome()
        #: What only a declared window can clear up: outdated rows that look like others, real ones taken for others.
        self.outdated: list[TransactionRecord] = []
        self.mistaken: list[TransactionRecord] = []

    def play(self) -> Outcome:
        """Every sync in turn; some die after their first checkpoint and are run again."""
        for batches in self.bank.syncs():
            if self.random.random() < 0.1:
                self.take(batches[0])
            for batch in batches:
                self.take(batch)
            self.outcome.syncs += 1
        return self.outcome

    def take(self, batch: Batch) -> None:
        """One checkpoint, given to both ledgers and compared."""
        records = [record for _, record in batch.records]
        removed = [key for _, key in batch.removed]
        self.ours.take(records, batch.window, removed)
        again = self.ours.take(records, batch.window, removed)
        if again.added or again.changed or again.removed:
            self.outcome.wrong.append(f"{self} the same answer twice changes rows: {again}")
        before = dict(self.truth)
        self._tell_truth(batch)
        self._compare_rows()
        self._compare_ids(before, {number for number, _ in batch.records})

    def _tell_truth(self, batch: Batch) -> None:
        delivered = dict(batch.records)
        gone = {number for number, _ in batch.removed} - delivered.keys()
        absent = {n for n, record in self.truth.items() if n in gone or _covers(batch.window, record)}
        self.outdated = [record for record in self.outdated if not _covers(batch.window, record)]
        self.mistaken = [record for record in self.mistaken if not _covers(batch.window, record)]
        for number, record in delivered.items():
            held = self.truth.get(number)
            by_name = {n for n, _ in batch.removed}
            if held and number not in absent | by_name and not self._evident(held, record):
                self.outdated.append(held)
            self.mistaken += [
                other
                for n, other in self.truth.items()
                if n != number and n not in absent and n not in delivered and self._swallows(other, record)
            ]
        self.truth = {n: record for n, record in self.truth.items() if n not in absent} | delivered

    def _evident(self, held: TransactionRecord, record: TransactionRecord) -> bool:
        """Whether a partial answer tells that the record is the held row."""
        if held.key is not None and held.key == record.key:
            return True
        if content(held)[1:] == content(record)[1:]:
            return held.key is None or record.key is None
        return self._swallows(held, record)

    def _swallows(self, held: TransactionRecord, record: TransactionRecord) -> bool:
        """Whether the record must be taken for a row that is not mentioned: the same once more, or its posted form."""
        if None in (held.key, record.key) and content(held) == content(record):
            return True
        posted = held.status is PENDING and record.status is BOOKED and None in (held.key, record.key)
        same = (held.amount, normalised(held.text)) == (record.amount, normalised(record.text))
        return posted and same and -1 <= (record.day - held.day).days <= 10

    def _compare_rows(self) -> None:
        ours = Counter(content(row) for row in self.ours.rows.values())
        truth = Counter(content(record) for record in self.truth.values())
        doubled, lost = ours - truth, truth - ours
        self.outcome.undecidable += (doubled + lost).total()
        wrong = (doubled - Counter(map(content, self.outdated)), lost - Counter(map(content, self.mistaken)))
        if wrong[0] or wrong[1]:
            self.outcome.wrong.append(f"{self} doubled {dict(wrong[0])} lost {dict(wrong[1])}")

    def _compare_ids(self, before: dict[int, TransactionRecord], delivered: set[int]) -> None:
        places: dict[Content, list[UUID]] = {}
        for row in self.ours.rows.values():
            places.setdefault(self._named(row, row.identity), []).append(row.id)
        ids: dict[int, UUID] = {}
        last = sorted(self.truth, key=lambda n: self.ids.get(n) not in places.get(self._name(n), ()))
        for number in last:
            candidates = places.get(self._name(number), [])
            kept = self.ids.get(number)
            if kept in candidates:
                candidates.remove(kept)
                ids[number] = kept
            elif candidates:
                ids[number] = candidates.pop()
        for number in ids.keys() & before.keys() & self.ids.keys():
            self.outcome.persisted += 1
            if ids[number] != self.ids[number]:
                self._moved(number, before)
        self.ids = ids

    def _moved(self, number: int, before: dict[int, TransactionRecord]) -> None:
        was, now, origin = before[number], self.truth[number], self.bank.movements[number].origin
        others = (before.keys() | self.truth.keys()) - {number}
        siblings = any(self.bank.movements[other].origin == origin >= 0 for other in others)
        rivals = [record for other in others for record in (before.get(other), self.truth.get(other)) if record]
        if siblings or was in self.outdated or any(_twins(mine, rival) for mine in (was, now) for rival in rivals):
            self.outcome.swapped += 1
        else:
            self.outcome.moved.append(f"{self} #{number} {content(was)} -> {content(now)}")

    def _name(self, number: int) -> Content:
        record = self.truth[number]
        return self._named(record, f"p:{record.key}")

    def _named(self, row: Held | TransactionRecord, identity: str) -> Content:
        keyed = self.bank.keys in (Keys.STABLE, Keys.CHANGE_WHEN_POSTED)
        return (*content(row), identity if keyed else None)

    def __str__(self) -> str:
        return f"history {self.seed} ({self.bank.keys}, {self.bank.feed}, drifts {sorted(self.bank.drifts)}):"


def _covers(window: Window | None, record: TransactionRecord) -> bool:
    spoken_of = window is not None and (not window.pending_only or record.status is PENDING)
    return spoken_of and window is not None and window.start <= record.day <= window.end


def _twins(one: TransactionRecord, other: TransactionRecord) -> bool:
    """Two rows of the same shop, a few days and less than an amount's drift apart: which became which is a guess."""
    near = abs((one.day - other.day).days) <= 11 and abs(one.amount - other.amount) <= abs(one.amount) * Decimal("0.35")
    return near and _shop(one) == _shop(other)


def _shop(record: TransactionRecord) -> list[str]:
    """The text without what this bank adds."""
    return [
        word for word in normalised(record.text).split() if word not in ("card", "corrected") and not word.isdigit()
    ]


def main(number: int, first: int = 0) -> int:
    """Play `number` histories and print what they showed; 1 if a row was doubled or lost."""
    total, moved = Counter[str](), Counter[str]()
    for done, seed in enumerate(range(first, first + number), start=1):
        history = History(seed)
        outcome = history.play()
        for line in [*outcome.wrong[:1], *outcome.moved[:1]]:
            print(f"\r{line}")
        moved[f"{history.bank.keys}/{history.bank.feed}"] += len(outcome.moved)
        for name in ("syncs", "persisted", "swapped", "undecidable"):
            total[name] += getattr(outcome, name)
        total["wrong"] += len(outcome.wrong)
        total["moved"] += len(outcome.moved)
        if done % 50 == 0 or done == number:
            print(f"\r{done} histories: {dict(total)}", end="", flush=True)
    print(f"\nmoved by kind: {dict(moved)}")
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
