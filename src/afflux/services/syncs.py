"""Synchronisations: asked for, joined, begun, postponed, ended. Each step is one transaction."""

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from afflux.domain.connections import Connection
from afflux.domain.errors import SYNC_ERRORS, Conflict, Fenced, NotFound, SyncErrorCode
from afflux.domain.events import EventType, NewEvent
from afflux.domain.jobs import RunSync
from afflux.domain.principal import Principal, Role
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.domain.users import User
from afflux.services import channels
from afflux.services.users import check_principal
from afflux.store import accounts, connections, queue, uploads, users
from afflux.store import syncs as store
from afflux.store.database import Tx

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
    Raises `NotFound` when the connection was deleted meanwhile, and `Conflict` while the user is suspended.
    """
    check_principal(principal, connection.user_id)
    await guard(tx, principal.application_id, connection.user_id, connection.id)
    await _refuse_suspended(tx, principal.application_id, connection.user_id)
    asked = await _ask(tx, principal.application_id, {connection.id}, kind, interactive)
    return asked[connection.id]


async def _refuse_suspended(tx: Tx, application_id: UUID, user_id: UUID) -> None:
    if await users.is_suspended(tx, application_id, user_id):
        raise Conflict("the user is suspended")


async def request_anew(
    tx: Tx, principal: Principal, connection: Connection, kind: SyncKind, *, interactive: bool
) -> Sync:
    """`request`, after a change that a run which has begun does not know of: another one follows it."""
    sync = await request(tx, principal, connection, kind, interactive=interactive)
    if sync.attempt > 0:
        await store.set_then(tx, sync.application_id, [sync.id], kind)
    return sync


async def request_all(
    tx: Tx,
    principal: Principal,
    user_id: UUID,
    kind: SyncKind,
    *,
    interactive: bool,
    providers: Set[int] | None = None,
) -> list[tuple[Connection, Sync]]:
    """`request` for every connection of the user (to these providers, where some are named), oldest connection first,
    in as many statements as for one.

    Raises `NotFound` for an unknown user.
    """
    check_principal(principal, user_id)
    # Takes many syncs, one after the other; two of these at once could each wait for what the other has.
    if not await users.take_turn(tx, principal.application_id, user_id):
        raise NotFound("user not found")
    await _refuse_suspended(tx, principal.application_id, user_id)
    shared = await connections.share_all(tx, principal.application_id, user_id)
    held = [each for each in shared if providers is None or each.provider_id in providers]
    asked = await _ask(tx, principal.application_id, {connection.id for connection in held}, kind, interactive)
    return [(connection, asked[connection.id]) for connection in sorted(held, key=lambda each: each.number)]


async def _ask(
    tx: Tx, application_id: UUID, connection_ids: Set[UUID], kind: SyncKind, interactive: bool
) -> dict[UUID, Sync]:
    """By connection: the sync that is active already, or a new one. After `guard`."""
    asked: dict[UUID, Sync] = {}
    # Once more for those that got a sync from somebody else between the two looks.
    while missing := connection_ids - asked.keys():
        active = await store.lock_active(tx, application_id, missing)
        await _join(tx, application_id, active, kind)
        idle = missing - {sync.connection_id for sync in active}
        started = await _start(tx, application_id, idle, kind, interactive) if idle else []
        asked |= {sync.connection_id: sync for sync in (*active, *started)}
    return asked


async def _join(tx: Tx, application_id: UUID, active: Sequence[Sync], kind: SyncKind) -> None:
    """Let a sync of this kind follow those that do not cover it."""
    short = [sync.id for sync in active if not _covers(sync, kind) and sync.then_kind is not kind]
    if short:
        await store.set_then(tx, application_id, short, kind)


def _covers(active: Sync, kind: SyncKind) -> bool:
    return kind is SyncKind.ALL or (active.kind is SyncKind.ACCOUNTS and active.stage is SyncKind.ACCOUNTS)


async def _start(
    tx: Tx, application_id: UUID, connection_ids: Set[UUID], kind: SyncKind, interactive: bool
) -> list[Sync]:
    """New syncs with their jobs, for those of these connections that have none active by now."""
    started = await store.insert(tx, application_id, connection_ids, kind, interactive)
    jobs = await queue.enqueue_all(tx, [(_job(sync), sync.provider_id) for sync in started]) if started else []
    await store.set_jobs(tx, application_id, dict(zip((sync.id for sync in started), jobs, strict=True)))
    for sync in started:
        tx.record(event(sync, EventType.SYNC_REQUESTED, {"kind": kind}))
    return started


async def active(tx: Tx, application_id: UUID, connection_id: UUID) -> Sync | None:
    """The connection's active sync, locked. After `guard`."""
    found = await store.lock_active(tx, application_id, {connection_id})
    return found[0] if found else None


async def enqueue(tx: Tx, sync: Sync, *, after: timedelta | None = None) -> int:
    """A job that goes on with the sync; its id."""
    return await queue.enqueue(tx, _job(sync), sync.provider_id, after=after)


def _job(sync: Sync) -> RunSync:
    return RunSync(sync.application_id, sync.id)


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
        tx.record(event(sync, EventType.SYNC_STARTED, {"attempt": sync.attempt, "interactive": sync.interactive}))
    if sync.started_at == tx.now:
        await _enter(tx, sync)
    return sync


async def _enter(tx: Tx, sync: Sync) -> None:
    """Tell that the sync's stage begins."""
    data = {"stage": sync.stage, "channels": await channels.during(tx, sync)}
    tx.record(event(sync, EventType.SYNC_ENTERED, data))


async def go_on(tx: Tx, sync: Sync, carried: Mapping[str, str], result: Mapping[str, Any]) -> Sync:
    """The accounts are listed: go on with their data, except on the channels with an outcome that is `carried` over.
    After `hold`.
    """
    await store.entered(tx, sync, SyncKind.ALL, carried, result)
    await _tell_listed(tx, sync)
    ahead = replace(sync, stage=SyncKind.ALL, outcomes=carried, let_in=None)
    await _enter(tx, ahead)
    return ahead


async def _tell_listed(tx: Tx, sync: Sync) -> None:
    data = {
        "outcomes": sync.outcomes,
        "accounts": await accounts.listed(tx, sync),
        "channels": await channels.after(tx, sync),
    }
    tx.record(event(sync, EventType.SYNC_LISTED, data))


def polling(sync: Sync) -> bool:
    """Whether the run only looks if a decoupled challenge was approved meanwhile; nothing has happened then."""
    return sync.parked is not None and sync.answer is None


async def progressed(tx: Tx, sync: Sync, channel_id: int, phase: str, percent: int) -> None:
    """Note how far the run is. Raises `Fenced`."""
    await hold(tx, sync)
    await store.progressed(tx, sync, channel_id, phase, percent)
    data = {"phase": phase, "percent": percent, "interactive": sync.interactive}
    tx.record(event(sync, EventType.SYNC_PROGRESSED, data))


async def postpone(tx: Tx, sync: Sync, code: SyncErrorCode, retry_after: float | None) -> None:
    """A temporary failure: back to pending, for a job that starts after the back-off. After `hold`."""
    seconds = _delay(sync.retries, retry_after)
    job_id = await enqueue(tx, sync, after=timedelta(seconds=seconds))
    await store.postponed(tx, sync.application_id, sync.id, job_id, code, sync.retries + 1)
    tx.record(event(sync, EventType.SYNC_POSTPONED, {"error": code, "seconds": round(seconds, 1)}))


def _delay(retries: int, retry_after: float | None) -> float:
    """Seconds: 1, 2, 4… with up to a quarter more by chance, or what the provider asked for, at most 15 minutes."""
    backoff = 2.0**retries * random.uniform(1.0, 1.25)  # noqa: S311 - spreads retries, hides nothing
    return min(max(backoff, retry_after or 0.0), _LONGEST_DELAY)


async def hand_back(tx: Tx, sync: Sync) -> None:
    """The worker stops or lost the database: another run starts at once, and nobody is to blame. Raises `Fenced`."""
    await hold(tx, sync)
    await store.postponed(tx, sync.application_id, sync.id, await enqueue(tx, sync), sync.error_code, sync.retries)


async def finish(tx: Tx, sync: Sync, result: Mapping[str, Any]) -> None:
    """The sync ended well, at least on one channel. After `hold`."""
    await store.end(tx, sync.application_id, sync.id, SyncStatus.FINISHED, result=result)
    await connections.succeeded(tx, sync.application_id, sync.connection_id)
    data = {"partial": bool(result.get("failed_channels")), "channels": await channels.after(tx, sync)}
    tx.record(event(sync, EventType.SYNC_FINISHED, data))
    await _follow(tx, sync)


async def fail(tx: Tx, sync: Sync, code: SyncErrorCode, detail: str, result: Mapping[str, Any] | None = None) -> None:
    """The sync ended badly, and so did every channel that has come to nothing yet. The caller holds the sync's row."""
    current = await store.by_id(tx, sync.application_id, sync.id)
    left = await connections.unfinished_failed(tx, current, code)
    current = replace(current, outcomes={**current.outcomes, **{str(id): code for id in left}})
    for channel_id in left:
        await tell_failed(tx, current, channel_id, code)
    await _close_listing(tx, current)
    await store.end(
        tx, sync.application_id, sync.id, SyncStatus.FAILED, error=code, detail=detail or None, result=result
    )
    await connections.failed(tx, sync.application_id, sync.connection_id)
    # A file that a run could not get past is refused; otherwise the next run would meet it again.
    await uploads.fail_oldest(tx, sync.application_id, sync.connection_id, detail or SYNC_ERRORS[code].text)
    tx.record(event(sync, EventType.SYNC_FAILED, {"error": code, "channels": await channels.after(tx, sync)}))
    await _follow(tx, sync)


async def _close_listing(tx: Tx, sync: Sync) -> None:
    """The sync ends before its time: whoever waits for the end of a stage is told of it, whatever became of it."""
    if sync.stage is SyncKind.ACCOUNTS:
        await _tell_listed(tx, sync)
        data = {"stage": SyncKind.ALL, "channels": await channels.after(tx, sync)}
        tx.record(event(sync, EventType.SYNC_ENTERED, data))


async def tell_failed(tx: Tx, sync: Sync, channel_id: int, code: SyncErrorCode) -> None:
    """Tell that one channel of the sync failed in its stage."""
    data = {
        "channel_id": channel_id,
        "stage": sync.stage,
        "error": code,
        "channels": await channels.during(tx, sync),
    }
    tx.record(event(sync, EventType.CHANNEL_FAILED, data))


async def cancel(tx: Tx, principal: Principal, connection: Connection) -> Sync:
    """End the connection's active sync where it stands. Raises `Conflict` when there is none."""
    check_principal(principal, connection.user_id)
    await guard(tx, principal.application_id, connection.user_id, connection.id)
    sync = await active(tx, principal.application_id, connection.id)
    if sync is None:
        raise Conflict("no synchronisation is active")
    await _end_cancelled(tx, sync)
    return sync


async def cancel_begun(tx: Tx, connection: Connection) -> None:
    """End the active sync if a worker has begun it: it goes by what was true then. After `guard` or more."""
    sync = await active(tx, connection.application_id, connection.id)
    if sync is not None and sync.attempt > 0:
        await _end_cancelled(tx, sync)


async def cancel_all(tx: Tx, user: User) -> None:
    """End every active sync of the user. The caller holds the user's row."""
    held = await connections.share_all(tx, user.application_id, user.id)
    for sync in await store.lock_active(tx, user.application_id, {connection.id for connection in held}):
        await _end_cancelled(tx, sync)


async def _end_cancelled(tx: Tx, sync: Sync) -> None:
    await _close_listing(tx, sync)
    await store.end(tx, sync.application_id, sync.id, SyncStatus.CANCELLED)
    tx.record(event(sync, EventType.SYNC_CANCELLED, {"channels": await channels.after(tx, sync)}))


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


async def rescue(tx: Tx, seen: Sync) -> None:
    """A sync that should have a job and has none gets one, if it is still as it was seen: the net under everything
    else.
    """
    if await still(tx, seen):
        job_id = await enqueue(tx, seen)
        await store.postponed(tx, seen.application_id, seen.id, job_id, seen.error_code, seen.retries)


async def still(tx: Tx, seen: Sync) -> bool:
    """Lock the sync and say whether it is as it was seen."""
    try:
        await guard(tx, seen.application_id, seen.user_id, seen.connection_id)
    except NotFound:
        return False
    return await store.lock_unchanged(tx, seen)
