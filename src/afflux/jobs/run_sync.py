"""Runs a synchronisation from where it stands to its end, its next challenge, or its next attempt."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec

from afflux.connectors import host
from afflux.connectors.base import Context, File, Operation, Request
from afflux.domain.catalogue import Auth, Channel, Manifest
from afflux.domain.challenges import Answer
from afflux.domain.connections import ChannelStatus, ConnectionChannel
from afflux.domain.errors import SYNC_ERRORS, Fenced, Retry, SyncErrorCode
from afflux.domain.events import EventType
from afflux.domain.jobs import RunSync
from afflux.domain.messages import Done, Failure, Message, Park
from afflux.domain.syncs import Sync, SyncKind
from afflux.domain.uploads import Upload, UploadStatus
from afflux.domain.users import User
from afflux.runtime import Runtime
from afflux.services import accounts, places, syncs
from afflux.services.accounts import KnownAccounts
from afflux.services.intake import Intake, Result
from afflux.store import catalogue, connections, uploads, users
from afflux.store import syncs as sync_store
from afflux.store.database import Tx
from afflux.store.vault import Sealer

log = logging.getLogger(__name__)

#: What a channel came to when it was well.
SUCCESS = "success"


@dataclass(slots=True)
class Run:
    """One run of one sync: what it needs, and what it has come to."""

    runtime: Runtime
    sync: Sync
    user: User
    sealer: Sealer
    channels: list[ConnectionChannel]
    known: KnownAccounts
    cursors: dict[str, str]
    #: Days by which the clocks of some connectors' banks run ahead.
    ahead: dict[str, int]
    result: Result
    #: By channel id (as text): `success` or an error code.
    outcomes: dict[str, str] = field(default_factory=dict)
    #: The text that goes with the first failure.
    detail: str = ""

    def manifest(self, channel_id: int) -> tuple[Manifest, Channel]:
        """The connector that runs a channel."""
        manifest, _, channel = self.runtime.registry.channel(channel_id)
        return manifest, channel

    @property
    def failures(self) -> dict[str, str]:
        """The channels that failed, with the error of each."""
        return {id: outcome for id, outcome in self.outcomes.items() if outcome != SUCCESS}


async def run_sync(runtime: Runtime, job: RunSync, job_id: int, began: Callable[[Sync], None]) -> None:
    """Carry out a job of the queue; `began` learns which run of which sync it has become.

    Returns when the sync has ended, waits, or belongs to somebody else.
    """
    async with runtime.database.transaction() as tx:
        sync = await syncs.begin(tx, job, job_id, runtime.settings.sync_seconds)
    if sync is None:
        return
    # Told before anything else can go wrong: what has begun is given up, what has not is delivered again.
    began(sync)
    try:
        async with runtime.database.transaction() as tx:
            run = await _load(tx, runtime, sync)
        await _go_on(run)
    except Fenced:
        log.info("sync %s belongs to somebody else now", sync.id)


async def give_up(runtime: Runtime, sync: Sync, code: SyncErrorCode | None) -> None:
    """A run broke off: let another one start, later if something is wrong (`code`), at once if not. Does nothing when
    fenced.
    """
    try:
        async with runtime.database.transaction() as tx:
            if code is None:
                await syncs.hand_back(tx, sync)
                return
            await syncs.hold(tx, sync)
            if sync.retries < syncs.RETRIES:
                await syncs.postpone(tx, sync, code, None)
            else:
                await syncs.fail(tx, sync, code, "")
    except Fenced:
        log.info("sync %s belongs to somebody else now", sync.id)


async def _load(tx: Tx, runtime: Runtime, sync: Sync) -> Run:
    await syncs.hold(tx, sync)
    user = await users.by_id(tx, sync.application_id, sync.user_id)
    known, cursors = await accounts.load(tx, sync)
    return Run(
        runtime=runtime,
        sync=sync,
        user=user,
        sealer=runtime.vault.of(user),
        channels=await connections.channels(tx, sync.application_id, sync.connection_id),
        known=known,
        cursors=cursors,
        ahead={manifest.id: await catalogue.days_ahead(tx, manifest.id) for manifest in runtime.registry.manifests},
        result=Result.of(sync.result),
        outcomes=dict(sync.outcomes),
    )


async def _go_on(run: Run) -> None:
    """Run the channels that are still to run, stage after stage, and end the sync."""
    while True:
        for channel in run.channels:
            if str(channel.channel_id) not in run.outcomes and not await _channel(run, channel):
                return
        if run.sync.stage is SyncKind.ALL:
            if await _end(run):
                return
        else:
            await _next_stage(run)


async def _channel(run: Run, channel: ConnectionChannel) -> bool:
    """Run one channel and note what it came to. False when the sync is parked or postponed: this run is over."""
    if channel.frozen:
        await _note_outcome(run, channel, Failure(channel.error_code or SyncErrorCode.CREDENTIALS_INVALID))
        return True
    async with run.runtime.database.transaction() as tx:
        await syncs.hold(tx, run.sync)
        await connections.channel_started(tx, run.sync.application_id, run.sync.connection_id, channel.channel_id)
    _, declared = run.manifest(channel.channel_id)
    if declared.auth is Auth.FILE:
        await _note_outcome(run, channel, await _read_files(run, channel))
        return True
    intake = _intake(run, channel)
    final = await _consume(run, channel, intake)
    if isinstance(final, Park):
        await _park(run, intake, final)
        return False
    if isinstance(final, Failure) and _worth_retrying(run, final):
        async with run.runtime.database.transaction() as tx:
            # With what the connector said before it failed: the next try goes on from its state.
            await intake.flush(tx)
            await sync_store.entered(tx, run.sync, run.sync.stage, run.outcomes, run.result.as_json())
            await syncs.postpone(tx, run.sync, final.code, final.retry_after)
        return False
    await _note_outcome(run, channel, final, intake)
    return True


def _worth_retrying(run: Run, failure: Failure) -> bool:
    return SYNC_ERRORS[failure.code].retry is Retry.BACKOFF and run.sync.retries < syncs.RETRIES


def _intake(run: Run, channel: ConnectionChannel, *, whole: bool = False) -> Intake:
    manifest, _ = run.manifest(channel.channel_id)
    place, count = run.channels.index(channel), len(run.channels)
    return Intake(
        database=run.runtime.database,
        sealer=run.sealer,
        sync=run.sync,
        channel_id=channel.channel_id,
        known=run.known,
        result=run.result,
        whole=whole,
        ahead=timedelta(days=run.ahead[manifest.id]),
        share=(100 * place / count, 100 * (place + 1) / count),
    )


async def _consume(
    run: Run, channel: ConnectionChannel, intake: Intake, file: File | None = None
) -> Park | Failure | Done:
    """Take in everything the connector yields; its last message."""
    async with aclosing(_messages(run, channel, file)) as messages:
        async for message in messages:
            if isinstance(message, Park | Failure | Done):
                return message
            await intake.take(message)
    return Failure(SyncErrorCode.CONNECTOR_BROKEN, "it ended without a word")


def _messages(run: Run, channel: ConnectionChannel, file: File | None) -> AsyncGenerator[Message, None]:
    manifest, _ = run.manifest(channel.channel_id)
    sync = run.sync
    now = run.runtime.clock.now() + timedelta(days=run.ahead[manifest.id])
    context = Context(
        interactive=sync.interactive,
        now=now,
        deadline=now + timedelta(seconds=run.runtime.settings.sync_seconds),
        redirect_url=f"{run.runtime.settings.public_url}/widget/return/{sync.id}",
    )
    operation = Operation.DISCOVER if sync.stage is SyncKind.ACCOUNTS else Operation.SYNC
    request = Request(
        operation=operation,
        provider_id=sync.provider_id,
        channel_id=channel.channel_id,
        connection_ref=str(sync.connection_id),
        secrets=_secrets(run, channel),
        state=_state(run, channel),
        cursors=run.cursors,
        file=file,
    )
    if sync.parked is None or sync.channel_id != channel.channel_id:
        return host.run(manifest, context, request)
    parked = run.sealer.open(places.parked(sync.application_id, sync.id), sync.parked)
    return host.run(manifest, context, request, parked=parked, answer=_answer(run))


def _secrets(run: Run, channel: ConnectionChannel) -> dict[str, str]:
    if channel.credentials is None:
        return {}
    place = places.credentials(channel.application_id, channel.connection_id, channel.channel_id)
    return msgspec.json.decode(run.sealer.open(place, channel.credentials), type=dict[str, str])


def _state(run: Run, channel: ConnectionChannel) -> bytes | None:
    if channel.state is None:
        return None
    place = places.channel_state(channel.application_id, channel.connection_id, channel.channel_id)
    return run.sealer.open(place, channel.state)


def _answer(run: Run) -> Answer:
    if run.sync.answer is None:
        return Answer(poll=True)
    place = places.answer(run.sync.application_id, run.sync.id)
    return msgspec.json.decode(run.sealer.open(place, run.sync.answer), type=Answer)


async def _park(run: Run, intake: Intake, final: Park) -> None:
    challenge = replace(final.challenge, expires_at=final.challenge.expires_at - intake.ahead)
    async with run.runtime.database.transaction() as tx:
        await intake.flush(tx)
        await sync_store.entered(tx, run.sync, run.sync.stage, run.outcomes, run.result.as_json())
        vault = run.runtime.vault
        await syncs.park(tx, vault, run.user, run.sync, intake.channel_id, challenge, final.parked)


async def _note_outcome(
    run: Run, channel: ConnectionChannel, final: Failure | Done, intake: Intake | None = None
) -> None:
    """Keep what a channel came to, together with the last of its data."""
    run.outcomes[str(channel.channel_id)] = final.code if isinstance(final, Failure) else SUCCESS
    if isinstance(final, Failure):
        run.detail = run.detail or final.detail

    async def note(tx: Tx) -> None:
        await syncs.hold(tx, run.sync)
        await _end_channel(tx, run, channel, final)
        await sync_store.entered(tx, run.sync, run.sync.stage, run.outcomes, run.result.as_json())

    if intake is not None and isinstance(final, Done):
        await intake.finish(note)
    else:
        async with run.runtime.database.transaction() as tx:
            if intake is not None:
                await intake.flush(tx)
            await note(tx)
    run.sync = replace(run.sync, parked=None, answer=None)


async def _end_channel(tx: Tx, run: Run, channel: ConnectionChannel, final: Failure | Done) -> None:
    error = final.code if isinstance(final, Failure) else None
    await connections.channel_ended(
        tx,
        run.sync.application_id,
        run.sync.connection_id,
        channel.channel_id,
        ChannelStatus.SUCCESS if error is None else ChannelStatus.FAILED,
        error,
        frozen=error is not None and SYNC_ERRORS[error].freezes,
    )
    data = {"channel_id": channel.channel_id, "stage": run.sync.stage} | ({"error": error} if error else {})
    type = EventType.CHANNEL_SUCCEEDED if error is None else EventType.CHANNEL_FAILED
    tx.record(syncs.event(run.sync, type, data))


async def _next_stage(run: Run) -> None:
    """The accounts are listed: go on with their data on every channel that did not need the user a moment ago."""
    listed = dict(run.outcomes)
    run.outcomes = {id: code for id, code in run.failures.items() if _needs_user(code)}
    async with run.runtime.database.transaction() as tx:
        await syncs.hold(tx, run.sync)
        await sync_store.entered(tx, run.sync, SyncKind.ALL, run.outcomes, run.result.as_json())
        tx.record(syncs.event(run.sync, EventType.SYNC_LISTED, {"outcomes": listed}))
    run.sync = replace(run.sync, stage=SyncKind.ALL)


def _needs_user(code: str) -> bool:
    return SYNC_ERRORS[SyncErrorCode(code)].retry is Retry.NEVER


async def _end(run: Run) -> bool:
    """End the sync as its channels ended. False when a file was handed in at the last moment: it goes on."""
    result = run.result.as_json() | {"failed_channels": run.failures}
    async with run.runtime.database.transaction() as tx:
        await syncs.hold(tx, run.sync)
        waiting = await uploads.next_waiting(tx, run.sync.application_id, run.sync.connection_id)
        if waiting is not None:
            run.outcomes.clear()
            return False
        if len(run.failures) < len(run.outcomes) or not run.outcomes:
            await syncs.finish(tx, run.sync, result)
        else:
            code = SyncErrorCode(next(iter(run.failures.values())))
            await syncs.fail(tx, run.sync, code, run.detail, result)
    return True


async def _read_files(run: Run, channel: ConnectionChannel) -> Failure | Done:
    """Read every file that waits, each as a whole; the last failure, if there was one."""
    final: Failure | Done = Done()
    while (upload := await _next_upload(run)) is not None:
        failure = await _read_file(run, channel, upload)
        final = failure or final
    return final


async def _next_upload(run: Run) -> Upload | None:
    async with run.runtime.database.transaction() as tx:
        return await uploads.next_waiting(tx, run.sync.application_id, run.sync.connection_id)


async def _read_file(run: Run, channel: ConnectionChannel, upload: Upload) -> Failure | None:
    place = places.upload(upload.application_id, upload.id)
    content = run.sealer.open(place, upload.content or b"")
    result = Result()
    intake = replace(_intake(run, channel, whole=True), result=result)
    final = await _consume(run, channel, intake, File(name=upload.name, content=content, mapping=upload.mapping))
    if isinstance(final, Done):

        async def done(tx: Tx) -> None:
            await _end_upload(tx, run, upload, UploadStatus.DONE, intake)

        await intake.finish(done)
        _add_up(run.result, result)
        return None
    failure = final if isinstance(final, Failure) else Failure(SyncErrorCode.UNSUPPORTED_AUTH)
    async with run.runtime.database.transaction() as tx:
        await syncs.hold(tx, run.sync)
        error = failure.detail or SYNC_ERRORS[failure.code].text
        await _end_upload(tx, run, upload, UploadStatus.FAILED, intake, error)
    return failure


async def _end_upload(
    tx: Tx, run: Run, upload: Upload, status: UploadStatus, intake: Intake, error: str | None = None
) -> None:
    result = intake.result.as_json() if status is UploadStatus.DONE else {}
    await uploads.end(tx, run.sync, upload.id, status, format=intake.format, result=result, error=error)


def _add_up(total: Result, more: Result) -> None:
    total.accounts += more.accounts
    total.transactions.add(more.transactions)
    total.warnings += [warning for warning in more.warnings if warning not in total.warnings]
