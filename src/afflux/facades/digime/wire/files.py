"""File lists, and what is said of a file (contract: sections 3.7 and 3.8)."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from afflux.connectors.registry import Registry
from afflux.domain.errors import SYNC_ERRORS, Actor, NotFound, SyncErrorCode
from afflux.domain.libraries import SessionState
from afflux.facades.digime.responses import milliseconds
from afflux.services.catalogue_groups import FINANCE
from afflux.services.library_files import File
from afflux.services.library_sessions import SourceStatus, Status

#: Of the objects in mapped files.
VERSION = "1.0.0"


class SourceError(msgspec.Struct):
    """Why a source is partial, in every spelling that clients look for."""

    code: str
    status: str
    status_code: int = msgspec.field(name="statusCode")
    statuscode: int
    message: str


class SourceObject(msgspec.Struct, omit_defaults=True):
    """How one source stands."""

    state: str
    error: SourceError | UnsetType = UNSET


class StatusObject(msgspec.Struct, omit_defaults=True):
    """How a session stands."""

    state: str
    #: By account of a service.
    details: dict[str, SourceObject] | UnsetType = UNSET


class FileObject(msgspec.Struct, omit_defaults=True, rename="camel"):
    """A file in a list."""

    name: str
    #: Milliseconds since 1970; moves when the content does.
    updated_date: int
    #: Of mapped files.
    object_version: str | UnsetType = UNSET


class FileList(msgspec.Struct, omit_defaults=True, rename="camel"):
    """A session's status and files."""

    status: StatusObject
    file_list: list[FileObject] | UnsetType = UNSET


def file_list(status: Status, files: list[File]) -> FileList:
    """The list as it is told."""
    if status.state is SessionState.PENDING:
        return FileList(StatusObject(status.state))
    details = {_key(each): _source(each) for each in status.sources}
    return FileList(StatusObject(status.state, details), [_file(each) for each in files])


def source_key(provider_id: int, connection_number: int) -> str:
    """By what an account of a service is known."""
    return f"{provider_id}_{connection_number}"


def _key(told: SourceStatus) -> str:
    return source_key(told.source.provider_id, told.source.connection_number)


def _source(told: SourceStatus) -> SourceObject:
    if told.state is not SessionState.PARTIAL:
        return SourceObject(told.state)
    if told.error is None:
        return SourceObject(told.state, _error("ServiceTimeout", 504, "The service did not answer in time"))
    return SourceObject(told.state, _sync_error(told.error))


def _sync_error(code: SyncErrorCode) -> SourceError:
    rule = SYNC_ERRORS[code]
    if rule.actor is Actor.USER:
        return _error("ServiceAuthorizationError", 511, rule.text)
    return _error("ServiceError", 503 if rule.actor is Actor.PROVIDER else 500, rule.text)


def _error(code: str, status: int, message: str) -> SourceError:
    return SourceError(code, code, status, status, message)


def _file(file: File) -> FileObject:
    version = VERSION if file.paper is None else UNSET
    return FileObject(file.name, milliseconds(file.updated_at), version)


def metadata(file: File, registry: Registry) -> dict[str, Any]:
    """What is said of a file beside its bytes."""
    return {"metadata": file.metadata or _mapped(file, registry)}


def _mapped(file: File, registry: Registry) -> dict[str, Any]:
    return {
        "objectCount": file.count,
        "objectType": file.kind.name,
        "serviceGroup": FINANCE.reference,
        "serviceName": service_name(registry, file.provider_id),
        "objectVersion": VERSION,
    }


def service_name(registry: Registry, provider_id: int) -> str:
    """What a service is called; its number where nobody brings it any more."""
    try:
        return registry.provider(provider_id).name
    except NotFound:
        return str(provider_id)


def header(value: Mapping[str, Any]) -> str:
    """The value as the header `X-Metadata`."""
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode("ascii")
