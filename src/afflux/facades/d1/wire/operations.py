"""Operations (contract: sections 6 to 9)."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, get_args

import msgspec

from afflux.domain.operations import Operation, OperationKind, OperationStatus
from afflux.domain.principal import Role
from afflux.facades.d1.auth import Issuer

Kind = Literal["CLICK_TO_PAY_UPDATE", "DELETE", "DELETE_AUTHN", "ENROLL_AUTHN", "REGISTER", "RESUME", "SUSPEND"]
Status = Literal["SUCCESSFUL", "PENDING", "FAILED"]
RequestorType = Literal["ISSUER", "USER", "CCI"]
ReasonCode = Literal["USER_DECISION", "ISSUER_DECISION"]
#: The lookahead keeps `$` from letting a line break pass.
REASON_PATTERN = r"^[a-zA-Z0-9 ]{1,64}(?!\n)$"
Reason = Annotated[str, msgspec.Meta(pattern=REASON_PATTERN)]

#: The operations of ours that the contract has a word for.
KINDS: dict[OperationKind, Kind] = {
    OperationKind.REGISTER: "REGISTER",
    OperationKind.ERASE: "DELETE",
    OperationKind.SUSPEND: "SUSPEND",
    OperationKind.RESUME: "RESUME",
}
_STATUSES: dict[OperationStatus, Status] = {
    OperationStatus.PENDING: "PENDING",
    OperationStatus.SUCCESSFUL: "SUCCESSFUL",
    OperationStatus.FAILED: "FAILED",
}
#: Our own expiries act for the issuer.
_REQUESTORS: dict[Role, RequestorType] = {
    Role.USER: "USER",
    Role.APPLICATION: "ISSUER",
    Role.SYSTEM: "ISSUER",
    Role.OPERATOR: "CCI",
}
#: Who the people at the command line are to an issuer.
OPERATOR_ID = "operator"
DEFAULT_REASON: ReasonCode = "ISSUER_DECISION"


class Deletion(msgspec.Struct, rename="camel"):
    """Why a consumer is deleted."""

    #: Free text, shown again in the list of operations.
    reason: Reason | msgspec.UnsetType = msgspec.UNSET
    reason_code: ReasonCode = DEFAULT_REASON


class Deleted(msgspec.Struct, rename="camel"):
    """What a deletion has come to."""

    operation_id: str
    status: Status


class OperationObject(msgspec.Struct, rename="camel", kw_only=True):
    """Something that was done to a consumer."""

    operation_id: str
    operation: Kind
    status: Status
    #: ISO 8601 in UTC, with milliseconds.
    start_time: str
    #: Left out while it is pending.
    end_time: str | msgspec.UnsetType = msgspec.UNSET
    requestor_type: RequestorType
    #: The consumer id, the issuer id or the id of a customer-care user, by type.
    requestor_id: str
    reason: str | msgspec.UnsetType = msgspec.UNSET
    reason_code: ReasonCode | msgspec.UnsetType = msgspec.UNSET
    #: Only of a failure.
    error_code: str | msgspec.UnsetType = msgspec.UNSET
    #: Only of a failure; for people.
    error: str | msgspec.UnsetType = msgspec.UNSET


class Operations(msgspec.Struct, rename="camel"):
    """A piece of a consumer's history, newest first."""

    operations: list[OperationObject]
    #: How many older ones there are.
    remaining_operations: int


def deleted(operation: Operation) -> Deleted:
    """What a deletion has come to."""
    return Deleted(str(operation.id), _STATUSES[operation.status])


def operation_object(operation: Operation, issuer: Issuer, consumer_id: str) -> OperationObject:
    """An operation on the consumer, as its issuer sees it."""
    requestor = _REQUESTORS[operation.actor]
    return OperationObject(
        operation_id=str(operation.id),
        operation=KINDS[operation.kind],
        status=_STATUSES[operation.status],
        start_time=_time(operation.started_at),
        end_time=msgspec.UNSET if operation.ended_at is None else _time(operation.ended_at),
        requestor_type=requestor,
        requestor_id={"USER": consumer_id, "ISSUER": issuer.id, "CCI": OPERATOR_ID}[requestor],
        reason=_if(operation.reason, re.fullmatch(REASON_PATTERN, operation.reason or "")),
        reason_code=_if(operation.reason_code, operation.reason_code in get_args(ReasonCode)),  # type: ignore[arg-type]
        error_code=_if(operation.error_code, True),
        error=_if(operation.error, True),
    )


def _if(value: str | None, shown: object) -> str | msgspec.UnsetType:
    """The value, if there is one and the contract has room for it."""
    return value if value is not None and shown else msgspec.UNSET


def _time(moment: datetime) -> str:
    """`YYYY-MM-DDThh:mm:ss.sssZ`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
