"""Sessions in which a library is read: opened with a key, begun by consent or a trigger, ended with their syncs."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from afflux.config import Settings
from afflux.connectors.registry import Registry
from afflux.domain.contracts import Contract
from afflux.domain.errors import NotFound, SyncErrorCode
from afflux.domain.libraries import SessionState, Source
from afflux.domain.principal import Principal, Role
from afflux.domain.syncs import SyncKind, SyncStatus
from afflux.runtime import Runtime
from afflux.services import catalogue_groups, contracts, syncs
from afflux.services.grants import hashed
from afflux.services.library_tokens import word
from afflux.services.session_options import Options
from afflux.store import library_sessions as store
from afflux.store import users
from afflux.store.database import Tx


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session; its key is shown once."""

    id: UUID
    key: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A session as somebody with its key finds it."""

    id: UUID
    contract: Contract
    #: Whose library; None while it is pending.
    user_id: UUID | None
    options: Options
    triggered_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How one source stands, for the session."""

    source: Source
    state: SessionState
    #: Why it is partial, where its sync says so.
    error: SyncErrorCode | None


@dataclass(frozen=True, slots=True)
class Status:
    """How a session stands."""

    state: SessionState
    sources: Sequence[SourceStatus]
    #: What is new after that is not for this session.
    ended_at: datetime | None


async def open_session(tx: Tx, settings: Settings, contract: Contract, options: Options) -> Opened:
    """A new session, pending until somebody consents or triggers it."""
    opened = _new(tx, settings)
    await store.insert(
        tx, contract.registration, opened.id, hashed(opened.key), msgspec.to_builtins(options), opened.expires_at
    )
    return opened


def _new(tx: Tx, settings: Settings) -> Opened:
    return Opened(uuid4(), word(), tx.now + timedelta(seconds=settings.digime_session_seconds))


async def by_key(tx: Tx, key: str) -> Session | None:
    """The session with this key, over or not."""
    row = await store.by_key(tx, hashed(key))
    contract = None if row is None else await contracts.find(tx, row["public_id"])
    if row is None or contract is None:
        return None
    options = msgspec.convert(row["options"], Options)
    return Session(row["id"], contract, row["user_id"], options, row["triggered_at"], row["expires_at"])


async def start(tx: Tx, runtime: Runtime, contract: Contract, user_id: UUID, options: Options) -> Opened:
    """A new session that begins at once, as `trigger` has it begin."""
    opened, said = _new(tx, runtime.settings), msgspec.to_builtins(options)
    columns = (opened.id, hashed(opened.key), said, opened.expires_at, user_id)
    if not await store.insert_begun(tx, contract.registration, *columns):
        raise NotFound("user not found")
    await _follow(tx, runtime, contract, opened.id, user_id)
    return opened


async def trigger(
    tx: Tx, runtime: Runtime, contract: Contract, session_id: UUID, user_id: UUID, options: Options | None = None
) -> datetime:
    """Begin the session, or begin it anew: synchronise every connection of the library that the contract reads,
    joining what runs already; when the session ends at the earliest.

    It counts as the user's own wish. Raises `NotFound` when the user is gone, and `Conflict` while he is suspended.
    """
    application_id = contract.registration.application.id
    if not await users.share(tx, application_id, user_id):
        raise NotFound("user not found")
    expires_at = tx.now + timedelta(seconds=runtime.settings.digime_session_seconds)
    kept = None if options is None else msgspec.to_builtins(options)
    await store.trigger(tx, application_id, session_id, user_id, expires_at, kept)
    await store.drop_syncs(tx, application_id, session_id)
    await _follow(tx, runtime, contract, session_id, user_id)
    return expires_at


async def _follow(tx: Tx, runtime: Runtime, contract: Contract, session_id: UUID, user_id: UUID) -> None:
    """Let the session wait for a sync of each connection. Where all have one it takes no turn: triggers of a busy
    library wait for nobody, and any active sync covers what they wish.
    """
    application_id, read = contract.registration.application.id, providers(runtime.registry, contract)
    if await store.join(tx, application_id, user_id, session_id, read):
        return
    principal = Principal(application_id, Role.USER, user_id)
    asked = await syncs.request_all(tx, principal, user_id, SyncKind.ALL, interactive=True, providers=read)
    await store.add_syncs(tx, application_id, user_id, session_id, [sync.id for _, sync in asked])


def providers(registry: Registry, contract: Contract) -> Set[int]:
    """The providers that the contract reads; of what is at others, its sessions do not even say that it is there."""
    return {each.id for each in registry.providers() if catalogue_groups.is_read(each, contract)}


async def status(tx: Tx, session: Session) -> Status:
    """How the session stands."""
    if session.triggered_at is None:
        return Status(SessionState.PENDING, (), None)
    sources = await store.sources(tx, session.contract.registration.application.id, session.id)
    seconds = session.options.seconds
    until = None if seconds is None else session.triggered_at + timedelta(seconds=seconds)
    told = [_told(source, until, tx.now) for source in sources]
    return Status(_together(told), told, _ended(session.triggered_at, sources, until, tx.now))


def _told(source: Source, until: datetime | None, now: datetime) -> SourceStatus:
    in_time = source.ended_at is not None and (until is None or source.ended_at <= until)
    if not in_time:
        late = until is not None and now >= until
        return SourceStatus(source, SessionState.PARTIAL if late else SessionState.RUNNING, None)
    whole = source.status is SyncStatus.FINISHED and not source.is_partial
    return SourceStatus(source, SessionState.COMPLETED if whole else SessionState.PARTIAL, source.error)


def _together(told: Sequence[SourceStatus]) -> SessionState:
    states = {each.state for each in told}
    for state in (SessionState.RUNNING, SessionState.PARTIAL):
        if state in states:
            return state
    return SessionState.COMPLETED


def _ended(triggered_at: datetime, sources: Sequence[Source], until: datetime | None, now: datetime) -> datetime | None:
    ends = [source.ended_at for source in sources]
    last = None if None in ends else max([triggered_at, *(end for end in ends if end is not None)])
    if until is not None and now >= until:
        return until if last is None else min(last, until)
    return last


async def keep_alive(tx: Tx, settings: Settings, session: Session, state: SessionState) -> bool:
    """Whether the session may still be read; one that runs does not die meanwhile."""
    if state is SessionState.RUNNING:
        expires_at = tx.now + timedelta(seconds=settings.digime_session_seconds)
        if session.expires_at < tx.now + timedelta(seconds=settings.digime_session_seconds / 2):
            await store.prolong(tx, session.contract.registration.application.id, session.id, expires_at)
        return True
    return session.expires_at > tx.now
