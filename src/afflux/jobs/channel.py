"""Runs one channel of a sync, and keeps what it came to."""

from dataclasses import replace

from afflux.domain.catalogue import Auth
from afflux.domain.connections import ChannelStatus, ConnectionChannel
from afflux.domain.errors import SYNC_ERRORS, Retry, SyncErrorCode
from afflux.domain.events import EventType
from afflux.domain.messages import Done, Failure, Park
from afflux.domain.syncs import SyncKind
from afflux.jobs.conversation import consume, intake_of
from afflux.jobs.files import read_files
from afflux.jobs.run import SUCCESS, Run
from afflux.services import challenges, channels, syncs
from afflux.services.intake import Intake
from afflux.store import accounts, connections
from afflux.store import syncs as sync_store
from afflux.store.database import Tx


async def run_channel(run: Run, channel: ConnectionChannel) -> bool:
    """Run one channel and note what it came to. False when the sync is parked or postponed: this run is over."""
    _, declared = run.manifest(channel.channel_id)
    refusal = _refusal(run, channel, declared.auth)
    if refusal is not None:
        await _note_outcome(run, channel, Failure(refusal))
        return True
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


def _refusal(run: Run, channel: ConnectionChannel, auth: Auth) -> SyncErrorCode | None:
    """Why the provider is not even asked."""
    ends = channel.consent_expires_at
    if auth is Auth.REDIRECT and ends is None:
        return SyncErrorCode.CONSENT_REQUIRED
    if auth is Auth.REDIRECT and ends is not None and ends <= run.runtime.clock.now():
        return SyncErrorCode.CONSENT_EXPIRED
    return (channel.error_code or SyncErrorCode.CREDENTIALS_INVALID) if channel.frozen else None


def _worth_retrying(run: Run, failure: Failure) -> bool:
    return SYNC_ERRORS[failure.code].retry is Retry.BACKOFF and run.sync.retries < syncs.RETRIES


async def _park(run: Run, intake: Intake, final: Park) -> None:
    challenge = replace(final.challenge, expires_at=final.challenge.expires_at - intake.ahead)
    async with run.runtime.database.transaction() as tx:
        await intake.flush(tx)
        await sync_store.entered(tx, run.sync, run.sync.stage, run.outcomes, run.result.as_json())
        vault = run.runtime.vault
        await challenges.park(tx, vault, run.user, run.sync, intake.channel_id, challenge, final.parked)


async def _note_outcome(
    run: Run, channel: ConnectionChannel, final: Failure | Done, intake: Intake | None = None
) -> None:
    """Keep what a channel came to, together with the last of its data."""
    run.note(channel.channel_id, final.code if isinstance(final, Failure) else SUCCESS)
    if isinstance(final, Failure):
        run.detail = run.detail or final.detail

    async def note(tx: Tx) -> None:
        await syncs.hold(tx, run.sync)
        if isinstance(final, Failure):
            await _end_failed(tx, run, channel, final.code)
        else:
            await _end_well(tx, run, channel, partial=intake is not None and intake.partial)
        await sync_store.entered(tx, run.sync, run.sync.stage, run.outcomes, run.result.as_json())

    if intake is not None and isinstance(final, Done):
        await intake.finish(note)
    else:
        async with run.runtime.database.transaction() as tx:
            if intake is not None:
                await intake.flush(tx)
            await note(tx)
    run.sync = replace(run.sync, parked=None, answer=None)


async def _end_failed(tx: Tx, run: Run, channel: ConnectionChannel, error: SyncErrorCode) -> None:
    ids = (run.sync.application_id, run.sync.connection_id, channel.channel_id)
    await connections.channel_ended(tx, *ids, ChannelStatus.FAILED, error)
    if SYNC_ERRORS[error].freezes:
        await connections.freeze(tx, *ids, channel.credentials)
    await syncs.tell_failed(tx, run.sync, channel.channel_id, error)


async def _end_well(tx: Tx, run: Run, channel: ConnectionChannel, *, partial: bool) -> None:
    """Note that the channel is done; where its accounts were to be listed, which they are."""
    ids = (run.sync.application_id, run.sync.connection_id, channel.channel_id)
    status = ChannelStatus.PARTIAL if partial else ChannelStatus.SUCCESS
    await connections.channel_ended(tx, *ids, status, None)
    data = {"channel_id": channel.channel_id, "stage": run.sync.stage, "partial": partial}
    if run.sync.stage is SyncKind.ACCOUNTS:
        await connections.channel_listed(tx, *ids)
        data["accounts"] = await accounts.listed(tx, run.sync, channel.channel_id)
    data["channels"] = await channels.during(tx, run.sync)
    tx.record(syncs.event(run.sync, EventType.CHANNEL_SUCCEEDED, data))
