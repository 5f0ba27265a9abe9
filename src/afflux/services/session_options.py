"""What a request says of the session it wants: what to read, how long to fetch, how to pack (contract: section 3.1)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from afflux.domain.errors import InvalidInput
from afflux.domain.scopes import EVER, AccountWish, Criterion, Scope, Selection, Span

_LAST = re.compile(r"([1-9][0-9]{0,4})([dmy])")
#: A moment in seconds: until the year 9999.
_Moment = Annotated[int, Meta(ge=0, le=253402300799)]
_DAYS = {"d": 1, "m": 30, "y": 365}
_TEXTS = ("appId", "contractId", "mimeType", "reference", "tags")


class _Object(msgspec.Struct):
    id: int


class _Service(msgspec.Struct, rename="camel"):
    id: int
    service_object_types: list[_Object] | None = None


class _Group(msgspec.Struct, rename="camel"):
    id: int
    service_types: list[_Service] | None = None


class _Range(msgspec.Struct):
    since: _Moment | None = msgspec.field(default=None, name="from")
    until: _Moment | None = msgspec.field(default=None, name="to")
    last: str | None = None


class _Account(msgspec.Struct, rename="camel"):
    account_id: str
    username: str | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    accounts: list[_Account] | None = None
    app_id: list[str] | None = None
    contract_id: list[str] | None = None
    mime_type: list[str] | None = None
    reference: list[str] | None = None
    tags: list[str] | None = None


class _Criterion(msgspec.Struct):
    since: _Moment | None = msgspec.field(default=None, name="from")
    last: str | None = None
    metadata: _Metadata | None = None


class _Scope(msgspec.Struct, rename="camel"):
    service_groups: list[_Group] | None = None
    time_ranges: list[_Range] | None = None
    criteria: list[_Criterion] | None = None


class _Duration(msgspec.Struct, rename="camel"):
    source_fetch: Annotated[int, Meta(ge=0, le=86400)] | None = None


class _Limits(msgspec.Struct):
    duration: _Duration | None = None


class _Accept(msgspec.Struct):
    compression: str | None = None


class _Asked(msgspec.Struct):
    limits: _Limits | None = None
    scope: _Scope | None = None
    accept: _Accept | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What a session is to be."""

    scope: Scope
    #: Seconds after which it does not wait for providers any more; None waits.
    seconds: int | None
    #: `gzip`, `brotli` or None.
    compression: str | None


def check(given: Mapping[str, Any], now: datetime) -> Options:
    """The options as they are written in requests; members nobody knows are ignored. Raises `InvalidInput`."""
    try:
        asked = msgspec.convert(given, _Asked)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"session options: {error}") from None
    duration = asked.limits and asked.limits.duration
    compression = asked.accept and asked.accept.compression
    return Options(
        _scope(asked.scope, now) if asked.scope else Scope(),
        (duration and duration.source_fetch) or None,
        compression if compression in ("gzip", "brotli") else None,
    )


def scope_of(given: Mapping[str, Any], now: datetime) -> Scope:
    """A scope as it is written in requests. Raises `InvalidInput`."""
    return check({"scope": dict(given)}, now).scope


def _scope(asked: _Scope, now: datetime) -> Scope:
    return Scope(
        [each for group in asked.service_groups or () for each in _selections(group)],
        [_span(each, now) for each in asked.time_ranges or ()],
        [_criterion(each, now) for each in asked.criteria or ()],
    )


def _selections(group: _Group) -> Sequence[Selection]:
    """One for each branch's end; a level without anything below it means all of it."""
    if not group.service_types:
        return [Selection(group.id)]
    return [Selection(group.id, service.id, type_id) for service in group.service_types for type_id in _types(service)]


def _types(service: _Service) -> Sequence[int | None]:
    return [each.id for each in service.service_object_types] if service.service_object_types else [None]


def _span(asked: _Range, now: datetime) -> Span:
    since = _ago(asked.last, now) if asked.last is not None else _moment(asked.since)
    return since or EVER[0], _moment(asked.until) or EVER[1]


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


def _ago(last: str, now: datetime) -> datetime:
    """When the time that is written such as `6m` began; months have 30 days, years 365."""
    found = _LAST.fullmatch(last)
    if found is None:
        raise InvalidInput("session options: last is a number followed by d, m or y")
    days = min(int(found[1]) * _DAYS[found[2]], (now - EVER[0]).days)
    return now - timedelta(days=days)


def _criterion(asked: _Criterion, now: datetime) -> Criterion:
    since = _ago(asked.last, now) if asked.last is not None else _moment(asked.since)
    said = {} if asked.metadata is None else msgspec.to_builtins(asked.metadata)
    texts = {name.lower(): said[name] for name in _TEXTS if said.get(name)}
    accounts = [AccountWish(each["accountId"], each["username"]) for each in said.get("accounts") or ()]
    return Criterion(since, texts or None, accounts or None)
