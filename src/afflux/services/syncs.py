"""Synchronisations: asked for, joined, begun, parked, answered, postponed, ended. Each step is one transaction."""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from afflux.domain.challenges import Answer, Challenge, ChallengeKind
from afflux.domain.connections import ChannelStatus, Connection
from afflux.domain.errors import SYNC_ERRORS, Conflict, Fenced, InvalidInput, NotFound, SyncErrorCode
from afflux.domain.events import EventType, NewEvent
from afflux.domain.jobs import RunSync
from afflux.domain.principal import Principal, Role
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.domain.users import User
from afflux.services import places
from afflux.services.users import check_principal
from afflux.store import connections, queue, uploads, users
from afflux.store import syncs as store
from afflux.store.database import Tx
from afflux.store.vault import Vault

#: Temporary failures after which a sync is given up.
RETRIES = 5
#: Workers that may die with a sync at the same place before it is given up.
LOSSES = 3
#: Seconds, for the back-off between retries.
_LONGEST_DELAY = 900.0


def event(sync: Sync, type: EventType, data: Mapping[str, Any] | None = None) -> NewEvent:
    """A fact about a sync."""
    return NewEvent(sync.application_id, type, sync.user_id, data or {}, sync.connection_id, sync.id)


async def guard(tx: Tx, application_id: UUID, user_id: UUID, connection_id: UUID) -> None:
    """Keep the user and the connection from going away until the transaction ends. Raises `NotFound` when one is
    gone.

    Comes before anything of a sync is locked. Erasing a user and deleting a connection lock from the top down too, so
    that nobody ever waits for somebody who waits for him.
    """
    if not await users.share(tx, application_id, user_id):
        raise NotFound("user not found")
    if not await connections.share(tx, application_id, connection_id):
        raise NotFound("connection not found")


async def hold(tx: Tx, sync: Sync) -> None:
    """Make sure that this run still owns the sync, until the transaction ends. Raises `Fenced`."""
    try:
        await guard(tx, sync.application_id, sync.user_id, sync.connection_id)
    except NotFound:
        raise Fenced("the connection is gone") from None
    if not await store.hold(tx, sync):
        raise Fenced("another worker owns this sync")


async def request(tx: Tx, principal: Principal, connection: Connection, kind: SyncKind, *, interactive: bool) -> Sync:
    """Ask for a sync: a new one with its job, or the one already active, which then covers this wish too.

    One connection never has two active syncs. A wish for `ACCOUNTS` while only `ALL` is running is kept and follows.
    Raises `NotFound` when the connection was deleted meanwhile.
    """
    check_principal(principal, connection.user_id)
    await guard(tx, principal.application_id, connection.user_id, connection.id)
    while True:
        active = await store.lock_active(tx, principal.application_id, connection.id)
        if active is not None:
            return await _join(tx, active, kind)
        sync = await store.insert(tx, uuid4(), connection, kind, interactive)
        if sync is not None:
            await store.set_job(tx, sync.application_id, sync.id, await _enqueue(tx, sync))
            tx.record(event(sync, EventType.SYNC_REQUESTED, {"kind": kind}))
            return sync


async def _join(tx: Tx, active: Sync, kind: SyncKind) -> Sync:
    covered = kind is SyncKind.ALL or (active.kind is SyncKind.ACCOUNTS and active.stage is SyncKind.ACCOUNTS)
    if not covered and active.then_kind is not kind:
        await store.set_then(tx, active.application_id, active.id, kind)
    return active


async def _enqueue(tx: Tx, sync: Sync, *, after: timedelta | None = None) -> int:
    return await queue.enqueue(tx, RunSync(sync.application_id, sync.id), sync.provider_id, after=after)


async def begin(tx: Tx, job: RunSync, job_id: int, seconds: int) -> Sync | None:
    """A worker takes the sync; None when there is nothing to do for this job any more.

    A sync whose worker died too often is given up here.
    """
    try:
        seen = await store.by_id(tx, job.application_id, job.sync_id)
        await guard(tx, seen.application_id, seen.user_id, seen.connection_id)
    except NotFound:
        return None
    sync = await store.begin(tx, job.application_id, job.sync_id, job_id, seconds)
    if sync is None:
        return None
    if sync.losses_here >= LOSSES:
        await fail(tx, sync, SyncErrorCode.WORKER_LOST, "its worker died three times")
        return None
    if not polling(sync):
        tx.record(event(sync, EventType.SYNC_STARTED, {"attempt": sync.attempt}))
    return sync


def polling(sync: Sync) -> bool:
    """Whether the run only looks if a decoupled challenge was approved meanwhile; nothing has happened then."""
    return sync.parked is not None and sync.answer is None


async def progressed(tx: Tx, sync: Sync, channel_id: int, phase: str, percent: int) -> None:
    """Note how far the run is. Raises `Fenced`."""
    await hold(tx, sync)
    await store.progressed(tx, sync, channel_id, phase, percent)
    tx.record(event(sync, EventType.SYNC_PROGRESSED, {"phase": phase, "percent": percent}))


async def park(
    tx: Tx, vault: Vault, user: User, sync: Sync, channel_id: int, challenge: Challenge, parked: bytes
) -> None:
    """The human is needed: keep the challenge and the connector's sealed state, free the worker. After `hold`."""
    sealed = vault.of(user).seal(places.parked(sync.application_id, sync.id), parked)
    await store.park(tx, sync, channel_id, msgspec.to_builtins(challenge), challenge.expires_at, sealed)
    if challenge.kind is ChallengeKind.DECOUPLED:
        job_id = await _enqueue(tx, sync, after=timedelta(seconds=challenge.poll_after))
        await store.set_job(tx, sync.application_id, sync.id, job_id)
    else:
        await connections.stop_auto_sync(tx, sync.application_id, sync.connection_id)
    if not polling(sync):
        data = {"channel_id": channel_id, "kind": challenge.kind, "step": challenge.name}
        tx.record(event(sync, EventType.SYNC_WAITING, data))


def open_challenge(sync: Sync | None) -> Challenge:
    """What the sync waits for. Raises `Conflict` when it waits for nothing."""
    if sync is None or sync.status is not SyncStatus.WAITING or sync.challenge is None:
        raise Conflict("Step not available")
    return msgspec.convert(sync.challenge, Challenge)


async def answer(tx: Tx, vault: Vault, principal: Principal, connection: Connection, given: Answer) -> Sync:
    """Store what the human answered and let a job go on, in this one transaction.

    Raises `Conflict` when no challenge is open and `InvalidInput` naming a value that is missing. Whether a code is
    right is for the provider to say.
    """
    check_principal(principal, connection.user_id)
    await guard(tx, principal.application_id, connection.user_id, connection.id)
    sync = await store.lock_active(tx, principal.application_id, connection.id)
    challenge = open_challenge(sync)
    if sync is None or tx.now >= challenge.expires_at:
        raise Conflict("Step not available")
    check_answer(challenge, given)
    user = await users.by_id(tx, sync.application_id, sync.user_id)
    sealed = vault.of(user).seal(places.answer(sync.application_id, sync.id), msgspec.json.encode(given))
    await store.resumed(tx, sync.application_id, sync.id, sealed, await _enqueue(tx, sync))
    tx.record(event(sync, EventType.SYNC_ANSWERED))
    return await store.by_id(tx, sync.application_id, sync.id)


def check_answer(challenge: Challenge, given: Answer) -> None:
    """Refuse an answer that does not fit the question. Raises `InvalidInput`."""
    if given.cancel:
        return
    wanted = {field.name for field in challenge.fields if field.required}
    if challenge.kind is ChallengeKind.CHOICE:
        wanted = {"choice"}
        if given.values.get("choice") not in challenge.choices:
            raise InvalidInput("Invalid parameter choice")
    if missing := sorted(name for name in wanted if not given.values.get(name)):
        raise InvalidInput(f"Invalid parameter {missing[0]}")


async def postpone(tx: Tx, sync: Sync, code: SyncErrorCode, retry_after: float | None) -> None:
    """A temporary failure: back to pending, for a job that starts after the back-off. After `hold`."""
    seconds = _delay(sync.retries, retry_after)
    job_id = await _enqueue(tx, sync, after=timedelta(seconds=seconds))
    await store.postponed(tx, sync.application_id, sync.id, job_id, code, sync.retries + 1)
    tx.record(event(sync, EventType.SYNC_POSTPONED, {"error": code, "seconds": round(seconds, 1)}))


def _delay(retries: int, retry_after: float | None) -> float:
    """Seconds: 1, 2, 4… with up to a quarter more by chance, or what the provider asked for, at most 15 minutes."""
    backoff = 2.0**retries * random.uniform(1.0, 1.25)  # noqa: S311 - spreads retries, hides nothing
    return min(max(backoff, retry_after or 0.0), _LONGEST_DELAY)


async def hand_back(tx: Tx, sync: Sync) -> None:
    """The worker stops or lost the database: another run starts at once, and nobody is to blame. Raises `Fenced`."""
    await hold(tx, sync)
    await store.postponed(tx, sync.application_id, sync.id, await _enqueue(tx, sync), sync.error_code, sync.retries)


async def finish(tx: Tx, sync: Sync, result: Mapping[str, Any]) -> None:
    """The sync ended well, at least on one channel. After `hold`."""
    await store.end(tx, sync.application_id, sync.id, SyncStatus.FINISHED, result=result)
    await connections.succeeded(tx, sync.application_id, sync.connection_id)
    tx.record(event(sync, EventType.SYNC_FINISHED, {"partial": bool(result.get("failed_channels"))}))
    await _follow(tx, sync)


async def fail(tx: Tx, sync: Sync, code: SyncErrorCode, detail: str, result: Mapping[str, Any] | None = None) -> None:
    """The sync ended badly. The caller holds the sync's row."""
    await store.end(
        tx, sync.application_id, sync.id, SyncStatus.FAILED, error=code, detail=detail or None, result=result
    )
    await connections.failed(tx, sync.application_id, sync.connection_id)
    # A file that a run could not get past is refused; otherwise the next run would meet it again.
    await uploads.fail_oldest(tx, sync.application_id, sync.connection_id, detail or SYNC_ERRORS[code].text)
    tx.record(event(sync, EventType.SYNC_FAILED, {"error": code}))
    await _follow(tx, sync)


async def cancel(tx: Tx, principal: Principal, connection: Connection) -> Sync:
    """End the connection's active sync where it stands. Raises `Conflict` when there is none."""
    check_principal(principal, connection.user_id)
    await guard(tx, principal.application_id, connection.user_id, connection.id)
    sync = await store.lock_active(tx, principal.application_id, connection.id)
    if sync is None:
        raise Conflict("no synchronisation is active")
    await store.end(tx, sync.application_id, sync.id, SyncStatus.CANCELLED)
    tx.record(event(sync, EventType.SYNC_CANCELLED))
    return sync


async def _follow(tx: Tx, ended: Sync) -> None:
    """Start what was asked for while the sync ran and was not covered by it, and what its file connection still has
    to read.
    """
    current = await store.by_id(tx, ended.application_id, ended.id)
    waiting = await uploads.next_waiting(tx, ended.application_id, ended.connection_id)
    kind = current.then_kind or (SyncKind.ALL if waiting is not None else None)
    if kind is not None:
        connection = await connections.by_id(tx, ended.application_id, ended.user_id, ended.connection_id)
        principal = Principal(ended.application_id, Role.SYSTEM, ended.user_id)
        await request(tx, principal, connection, kind, interactive=ended.interactive)


async def expire(tx: Tx, seen: Sync) -> None:
    """Nobody answered in time: end the sync, if it is still as it was seen."""
    if not await _still(tx, seen):
        return
    if seen.channel_id is not None:
        await connections.channel_ended(
            tx,
            seen.application_id,
            seen.connection_id,
            seen.channel_id,
            ChannelStatus.FAILED,
            SyncErrorCode.CHALLENGE_EXPIRED,
            frozen=False,
        )
    await fail(tx, seen, SyncErrorCode.CHALLENGE_EXPIRED, "")


async def rescue(tx: Tx, seen: Sync) -> None:
    """A sync that should have a job and has none gets one, if it is still as it was seen: the net under everything
    else.
    """
    if await _still(tx, seen):
        job_id = await _enqueue(tx, seen)
        await store.postponed(tx, seen.application_id, seen.id, job_id, seen.error_code, seen.retries)


async def _still(tx: Tx, seen: Sync) -> bool:
    try:
        await guard(tx, seen.application_id, seen.user_id, seen.connection_id)
    except NotFound:
        return False
    return await store.lock_unchanged(tx, seen)
