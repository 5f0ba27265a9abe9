"""Runs a channel that reads files: each that waits, one after the other, whole or not at all."""

from dataclasses import replace

from afflux.connectors.base import File
from afflux.domain.connections import ConnectionChannel
from afflux.domain.errors import SYNC_ERRORS, SyncErrorCode
from afflux.domain.messages import Done, Failure
from afflux.domain.uploads import Upload, UploadStatus
from afflux.jobs.conversation import consume, intake_of
from afflux.jobs.run import Run
from afflux.services import places, syncs
from afflux.services.intake import Intake, Result
from afflux.store import uploads
from afflux.store.database import Tx


async def read_files(run: Run, channel: ConnectionChannel) -> Failure | Done:
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
    intake = replace(intake_of(run, channel, whole=True), result=result)
    final = await consume(run, channel, intake, File(name=upload.name, content=content, mapping=upload.mapping))
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
