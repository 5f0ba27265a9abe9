"""Operations on a consumer: deleting him, and what was done so far (contract: sections 6 to 8)."""

from datetime import timedelta
from typing import Annotated

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from afflux.domain.errors import NotFound
from afflux.facades.d1.auth import FULL, READ, entitled
from afflux.facades.d1.documented import problems
from afflux.facades.d1.given import GivenIssuer, GivenRuntime
from afflux.facades.d1.wire.operations import (
    KINDS,
    Deleted,
    Deletion,
    OperationObject,
    Operations,
    deleted,
    operation_object,
)
from afflux.services import consumers, operations
from afflux.web.answers import answer

_OPERATIONS = "/banking/v1/issuers/{issuer_id:str}/consumers/{consumer_id:str}/operations"
_KINDS = tuple(KINDS)
#: Farther than any list; what is beyond it is simply beyond the end.
_FARTHEST = 2**53

Offset = Annotated[int, QueryParameter(ge=0, description="Index of the first operation; 0 is the most recent")]
Limit = Annotated[int, QueryParameter(ge=1, le=50, description="How many operations at most")]


@post(f"{_OPERATIONS}:delete", status_code=200, guards=[entitled(FULL)], responses=problems(400, 403, 404, 409, 415))
async def delete_consumer(
    issuer_id: FromPath[str],
    consumer_id: FromPath[str],
    data: JSONBody[Deletion],
    issuer: GivenIssuer,
    runtime: GivenRuntime,
) -> Response[Deleted]:
    """Delete a consumer with everything. This cannot be undone."""
    reason = data.reason if isinstance(data.reason, str) else None
    delay = runtime.settings.d1_erasure_delay
    if delay is None:
        operation = await consumers.erase(runtime, issuer.principal, consumer_id, reason, data.reason_code)
    else:
        operation = await consumers.erase_later(
            runtime, issuer.principal, consumer_id, reason, data.reason_code, timedelta(seconds=delay)
        )
    return answer(deleted(operation))


@get(_OPERATIONS, guards=[entitled(READ, FULL)], responses=problems(400, 403))
async def list_operations(
    issuer_id: FromPath[str],
    consumer_id: FromPath[str],
    issuer: GivenIssuer,
    runtime: GivenRuntime,
    offset: Offset = 0,
    limit: Limit = 10,
) -> Response[Operations]:
    """What was done to a consumer in the last three months, newest first. Nobody is unknown here: the list is empty."""
    known = operations.known_as(runtime.vault, issuer.application_id, consumer_id)
    async with runtime.database.reading() as tx:
        found, total = await operations.history(tx, known, _KINDS, min(offset, _FARTHEST), limit)
    shown = [operation_object(each, issuer, consumer_id) for each in found]
    return answer(Operations(shown, max(0, total - offset - len(shown))))


@get(f"{_OPERATIONS}/{{operation_id:str}}", guards=[entitled(READ, FULL)], responses=problems(400, 403, 404))
async def get_operation(
    issuer_id: FromPath[str],
    consumer_id: FromPath[str],
    operation_id: FromPath[str],
    issuer: GivenIssuer,
    runtime: GivenRuntime,
) -> Response[OperationObject]:
    """One operation on a consumer."""
    known = operations.known_as(runtime.vault, issuer.application_id, consumer_id)
    id = operations.id_of_ours(operation_id)
    if id is None:
        raise NotFound("operation not found")
    async with runtime.database.reading() as tx:
        found = await operations.one(tx, known, _KINDS, id)
    return answer(operation_object(found, issuer, consumer_id))


HANDLERS = (delete_consumer, list_operations, get_operation)
