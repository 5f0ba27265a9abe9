"""Erases a user whom somebody else did not, or was not to."""

from afflux.domain.errors import NotFound
from afflux.domain.jobs import EraseUser
from afflux.runtime import Runtime
from afflux.services import erasure
from afflux.store import operations


async def erase_user(runtime: Runtime, job: EraseUser) -> None:
    """Carry out a job of the queue: go on with the erasure, if it has not ended."""
    try:
        async with runtime.database.reading() as tx:
            operation = await operations.by_id(tx, job.application_id, job.operation_id)
    except NotFound:
        return
    await erasure.finish(runtime, operation)
