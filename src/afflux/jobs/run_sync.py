"""Runs a synchronisation from where it stands to its end, its next challenge, or its next attempt."""

import logging
from collections.abc import Callable
from dataclasses import replace

from afflux.domain.errors import SYNC_ERRORS, Actor, Fenced, SyncErrorCode
from afflux.domain.jobs import RunSync
from afflux.domain.syncs import Sync, SyncKind
from afflux.jobs.channel import run_channel
from afflux.jobs.run import Run
from afflux.runtime import Runtime
from afflux.services import accounts, syncs
from afflux.services.intake import Result
from afflux.store import catalogue, connections, uploads, users
from afflux.store.database import Tx

log = logging.getLogger(__name__)


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
    )


async def _go_on(run: Run) -> None:
    """Run the channels that are still to run, stage after stage, and end the sync."""
    while True:
        for channel in run.channels:
            if str(channel.channel_id) not in run.outcomes and not await run_channel(run, channel):
                return
        if run.sync.stage is SyncKind.ALL:
            if await _end(run):
                return
        else:
            await _next_stage(run)


async def _next_stage(run: Run) -> None:
    """The accounts are listed: go on with their data on every channel that did not need the user a moment ago, and on
    none if all failed.
    """
    hopeless = len(run.failures) == len(run.channels)
    carried = {id: code for id, code in run.failures.items() if hopeless or _needs_user(code)}
    async with run.runtime.database.transaction() as tx:
        await syncs.hold(tx, run.sync)
        run.sync = await syncs.go_on(tx, run.sync, carried, run.result.as_json())
        # Connectors have kept something; an account that came back begins anew, wherever its predecessor was.
        run.channels = await connections.channels(tx, run.sync.application_id, run.sync.connection_id)
        run.known, run.cursors = await accounts.load(tx, run.sync)


def _needs_user(code: str) -> bool:
    return SYNC_ERRORS[SyncErrorCode(code)].actor is Actor.USER


async def _end(run: Run) -> bool:
    """End the sync as its channels ended. False when a file was handed in at the last moment: it goes on."""
    result = run.result.as_json() | {"failed_channels": run.failures}
    async with run.runtime.database.transaction() as tx:
        await syncs.hold(tx, run.sync)
        waiting = await uploads.next_waiting(tx, run.sync.application_id, run.sync.connection_id)
        if waiting is not None:
            run.sync = replace(run.sync, outcomes={})
            return False
        if len(run.failures) < len(run.outcomes) or not run.outcomes:
            await syncs.finish(tx, run.sync, result)
        else:
            code = SyncErrorCode(next(iter(run.failures.values())))
            await syncs.fail(tx, run.sync, code, run.detail, result)
    return True
