"""The files that a session can read: movements and accounts put together by month, and documents as they are.

Files are not kept: they are made of what is held. Kept is only when each was last seen to be another one.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from afflux.domain.contracts import ContractKind
from afflux.domain.errors import NotFound
from afflux.domain.scopes import AccountWish, Criterion, Span, common
from afflux.domain.users import User
from afflux.runtime import Runtime
from afflux.services import catalogue_groups, documents, places
from afflux.services.catalogue_groups import ACCOUNT, DOCUMENT, DOCUMENTS, FINANCE, TRANSACTION, ObjectType
from afflux.services.library_sessions import Session
from afflux.store import library_files as store
from afflux.store import users
from afflux.store.database import Tx
from afflux.store.library_files import Heap, Paper, Part
from afflux.store.vault import Vault

_NAME = re.compile(r"(\d{1,9})_(\d{1,9})_(\d{1,9})_D(\d{4})(\d{2})_(\d{1,18})\.[a-z0-9]{1,10}")
_EXTENSION = re.compile(r"[a-z0-9]{1,10}")
_EVERYTHING: Part = (None, None)


@dataclass(frozen=True, slots=True)
class File:
    """A file of a library."""

    name: str
    #: Moves when the content does, and only then.
    updated_at: datetime
    #: When there was first something in it.
    since: datetime
    provider_id: int
    #: Of a mapped file: its object type, month and how many objects it has. Of a raw one: its document.
    kind: ObjectType
    month: date
    count: int = 0
    paper: Paper | None = None
    #: Of a raw file: what is said of it.
    metadata: Mapping[str, Any] | None = None


async def of_session(tx: Tx, vault: Vault, session: Session) -> list[File]:
    """All files of the session. Raises `NotFound` when the user is gone."""
    user = await _user(tx, session)
    return [*await _mapped(tx, session, user, _EVERYTHING), *await _raw(tx, vault, session, user, None)]


async def named(tx: Tx, vault: Vault, session: Session, name: str) -> File:
    """One file of the session. Raises `NotFound`."""
    found = _NAME.fullmatch(name)
    if found is None or not 1 <= int(found[5]) <= 12 or int(found[4]) == 0:
        raise NotFound("file not found")
    user, month = await _user(tx, session), date(int(found[4]), int(found[5]), 1)
    mapped = int(found[1]) == FINANCE.id
    files = await (
        _mapped(tx, session, user, (int(found[2]), month)) if mapped else _raw(tx, vault, session, user, int(found[6]))
    )
    for file in files:
        if file.name == name:
            return file
    raise NotFound("file not found")


async def _user(tx: Tx, session: Session) -> User:
    """Whose library it is, kept from being erased meanwhile."""
    application_id = session.contract.registration.application.id
    if session.user_id is None or not await users.share(tx, application_id, session.user_id):
        raise NotFound("user not found")
    return await users.by_id(tx, application_id, session.user_id)


def _spans(session: Session) -> list[Span]:
    return common(session.contract.scope.spans, session.options.scope.spans)


def _admits(session: Session, group: catalogue_groups.ServiceGroup, provider_id: int, kind: ObjectType) -> bool:
    what = catalogue_groups.selection(group, provider_id, kind)
    return session.contract.scope.admits(what) and session.options.scope.admits(what)


# Movements and accounts.


async def _mapped(tx: Tx, session: Session, user: User, part: Part) -> list[File]:
    if session.contract.kind is not ContractKind.READ:
        return []
    days = [(start.date(), end.date()) for start, end in _spans(session)]
    ids = (user.application_id, user.id)
    heaps = [
        (kind, heap)
        for kind, of in ((ACCOUNT, store.accounts), (TRANSACTION, store.transactions))
        for heap in await of(tx, *ids, days, part)
        if _admits(session, FINANCE, heap.provider_id, kind)
    ]
    changed = await store.sign(tx, *ids, {_mapped_name(kind, heap): heap.signature for kind, heap in heaps})
    return [_mapped_file(kind, heap, changed) for kind, heap in heaps]


def _mapped_name(kind: ObjectType, heap: Heap) -> str:
    return _name(FINANCE.id, heap.provider_id, kind, heap.month, 1, "json")


def _name(group: int, provider_id: int, kind: ObjectType, month: date, number: int, extension: str) -> str:
    return f"{group}_{provider_id}_{kind.id}_D{month.year:04d}{month.month:02d}_{number}.{extension}"


def _mapped_file(kind: ObjectType, heap: Heap, changed: Mapping[str, datetime]) -> File:
    name = _mapped_name(kind, heap)
    return File(name, changed[name], heap.since, heap.provider_id, kind, heap.month, heap.count)


# Documents.


async def _raw(tx: Tx, vault: Vault, session: Session, user: User, number: int | None) -> list[File]:
    pushed = session.contract.kind is ContractKind.READ_RAW
    spans = _spans(session)
    papers = await store.documents(tx, user.application_id, user.id, pushed, number)
    files = [_raw_file(vault, user, paper) for paper in papers]
    return [
        file
        for file in files
        if _admits(session, DOCUMENTS, file.provider_id, DOCUMENT)
        and any(start <= _dated(file) <= end for start, end in spans)
        and _meets(session.options.scope.criteria, file, session)
    ]


def _dated(file: File) -> datetime:
    return file.since if file.paper is None else file.paper.document.dated_at


def _raw_file(vault: Vault, user: User, paper: Paper) -> File:
    held = paper.document
    extension = held.extension.lower() if _EXTENSION.fullmatch(held.extension.lower()) else "bin"
    month = held.dated_at.date().replace(day=1)
    name = _name(DOCUMENTS.id, paper.provider_id, DOCUMENT, month, held.number, extension)
    said = _found_metadata(paper) if paper.descriptor is None else _said_metadata(vault, user, paper, paper.descriptor)
    return File(name, paper.updated_at, held.created_at, paper.provider_id, DOCUMENT, month, 1, paper, said)


def _found_metadata(paper: Paper) -> dict[str, Any]:
    """What we say of a provider's document."""
    return {
        "mimetype": paper.document.mime,
        "accounts": [{"accountid": f"{paper.provider_id}_{paper.connection_number}"}],
        "created": int(paper.document.dated_at.timestamp() * 1000),
        "objecttypes": [{"name": DOCUMENT.name}],
        "servicegroups": [DOCUMENTS.id],
        "reference": [paper.document.name],
        "tags": [paper.document.type.value],
    }


def _said_metadata(vault: Vault, user: User, paper: Paper, sealed: bytes) -> dict[str, Any]:
    """What was said of a document when it was pushed, and what we know of it ourselves."""
    place = places.pushed_descriptor(user.application_id, paper.document.id)
    said: dict[str, Any] = msgspec.json.decode(vault.of(user).open(place, sealed))
    application_id, _, contract_id = (paper.pushed_by or "").partition("_")
    created = int(paper.document.dated_at.timestamp() * 1000)
    return {**said, "created": created, "appid": application_id, "contractid": contract_id}


def _meets(criteria: Sequence[Criterion], file: File, session: Session) -> bool:
    """Whether the file meets one of the criteria, where there are any, and one of the contract's."""
    return all(
        not wanted or any(_fits(each, file) for each in wanted)
        for wanted in (criteria, session.contract.scope.criteria)
    )


def _fits(wanted: Criterion, file: File) -> bool:
    said = file.metadata or {}
    texts, accounts = wanted.texts or {}, wanted.accounts
    return (
        (wanted.since is None or _dated(file) >= wanted.since)
        and all(set(values) & set(_texts(said.get(key))) for key, values in texts.items())
        and (accounts is None or any(_is_about(said, each) for each in accounts))
    )


def _texts(value: object) -> Iterable[str]:
    several = value if isinstance(value, list) else [value]
    return [each for each in several if isinstance(each, str)]


def _is_about(said: Mapping[str, Any], wish: AccountWish) -> bool:
    told = [each for each in said.get("accounts", ()) if isinstance(each, dict)]
    return any(each.get("accountid") == wish.id and wish.username in (None, each.get("username")) for each in told)


async def content_of(
    tx: Tx, runtime: Runtime, user_id: UUID, application_id: UUID, paper: Paper
) -> Callable[[], AsyncIterator[bytes]]:
    """What gives the bytes of a raw file piece by piece, as often as it is called, also after the transaction. Raises
    `NotFound` when the user is gone.
    """
    user = await users.by_id(tx, application_id, user_id)
    return partial(documents.pieces, runtime.database, runtime.vault, user, paper.document)
