"""Runs one channel of a sync, and keeps what it came to."""

from dataclasses import replace

from afflux.domain.catalogue import Auth
from afflux.domain.connections import ChannelStatus, ConnectionChannel
from afflux.domain.errors import SYNC_ERRORS, Retry, SyncErrorCode
from afflux.domain.events import EventType
from afflux.domain.messages import Done, Failure, Park
from afflux.jobs.conversation import consume, intake_of
from afflux.jobs.files import read_files
from afflux.jobs.run import SUCCESS, Run
from afflux.services import syncs
from afflux.services.intake import Intake
from afflux.store import connections
from afflux.store import syncs as sync_store
from afflux.store.database import Tx


async def run_channel(run: Run, channel: ConnectionChannel) -> bool:
    """Run one channel and note what it came to. False when the sync is parked or postponed: this run is over."""
    if channel.frozen:
        await _note_outcome(run, channel, Failure(channel.error_code or SyncErrorCode.CREDENTIALS_INVALID))
        return True
    async with run.runtime.database.transaction() as tx:
        await syncs.hold(tx, run.sync)
        await connections.channel_started(tx, run.sync.application_id, run.sync.connection_id, channel.channel_id)
    _, declared = run.manifest(channel.channel_id)
    if declared.auth is Auth.FILE:
        await _note_outcome(run, channel, await read_files(run, channel))
        return True
    intake = intake_of(run, channel)
    final = await consume(run, channel, intake)
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
