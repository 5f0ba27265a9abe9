"""Reading a library: fetch what is new, list the files, read one (contract: sections 3.6 to 3.9)."""

import re
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from afflux.domain.contracts import Contract
from afflux.domain.errors import NotFound
from afflux.domain.libraries import SessionState
from afflux.facades.digime import agents, errors, sealing
from afflux.facades.digime.access import user_of
from afflux.facades.digime.claims import TriggerClaims
from afflux.facades.digime.documented import problems
from afflux.facades.digime.errors import Refused
from afflux.facades.digime.given import GivenRuntime
from afflux.facades.digime.options import options_of
from afflux.facades.digime.packing import Source, packed, pieces_of
from afflux.facades.digime.requests import AnyRequest, Asked, asked, json_of
from afflux.facades.digime.responses import answer, milliseconds
from afflux.facades.digime.wire.accounts import accounts_file
from afflux.facades.digime.wire.files import FileList, file_list, header, metadata
from afflux.facades.digime.wire.finance import account_object, transaction_object
from afflux.facades.digime.wire.tokens import SessionObject, Triggered
from afflux.runtime import Runtime
from afflux.services import library_access, library_files, library_sessions, postboxes
from afflux.services.catalogue_groups import TRANSACTION
from afflux.services.library_files import File
from afflux.services.library_sessions import Session, Status
from afflux.services.session_options import Options
from afflux.store import connections, library_grants
from afflux.store import library_files as store
from afflux.store.database import Tx

_KEY = re.compile(r"[A-Za-z0-9]{32}")
_ACCOUNTS = "accounts.json"


@post("/permission-access/trigger", status_code=202, responses=problems(401, 403, 429))
async def trigger(request: AnyRequest, runtime: GivenRuntime) -> Response[Triggered]:
    """Fetch what is new at every service of the library, and answer at once with the session to read it in."""
    given = await asked(request, runtime, TriggerClaims)
    body = await json_of(request)
    agents.check(body.get("agent"), runtime.settings.digime_sdks)
    options = options_of(body, given.contract, runtime.clock.now())
    if not given.contract.kind.reads:
        raise errors.wrong_contract()
    try:
        async with runtime.database.transaction() as tx:
            user_id = user_of(await library_access.look(tx, given.contract, given.claims.access_token))
            _check_repeatable(given.contract)
            await postboxes.import_waiting(tx, runtime, given.contract.registration.application.id, user_id)
            session = await _begun(tx, runtime, given, options, user_id)
    except NotFound:
        raise errors.invalid_token("access_token") from None
    return answer(Triggered(session), 202)


def _check_repeatable(contract: Contract) -> None:
    if contract.once:
        message = "The request requires higher privileges than provided by the access token"
        raise Refused(403, "InsufficientScope", message)


async def _begun(
    tx: Tx, runtime: Runtime, given: Asked[TriggerClaims], options: Options, user_id: UUID
) -> SessionObject:
    """The session that is named, or a new one. One that nobody consented to yet may be named too. Raises `Refused` for
    one that is not good.
    """
    key = given.claims.session_key
    if key is None:
        opened = await library_sessions.start(tx, runtime, given.contract, user_id, options)
        return SessionObject(opened.key, milliseconds(opened.expires_at))
    session = await library_sessions.by_key(tx, key)
    if (
        session is None
        or session.user_id not in (None, user_id)
        or session.contract.registration.id != given.contract.registration.id
    ):
        raise errors.invalid_session(400)
    status = await library_sessions.status(tx, session)
    if not await library_sessions.keep_alive(tx, runtime.settings, session, status.state):
        raise errors.invalid_session(400)
    ends = await library_sessions.trigger(tx, runtime, given.contract, session.id, user_id, options)
    return SessionObject(key, milliseconds(ends))


async def _found(tx: Tx, runtime: Runtime, key: str) -> tuple[Session, Status]:
    """The session with this key, and how it stands. Raises `Refused`."""
    if not _KEY.fullmatch(key):
        raise errors.validation("the session key has to have 32 letters and digits")
    session = await library_sessions.by_key(tx, key)
    if session is None:
        raise errors.invalid_session()
    status = await library_sessions.status(tx, session)
    if not await library_sessions.keep_alive(tx, runtime.settings, session, status.state):
        raise errors.invalid_session()
    if not session.contract.kind.reads:
        raise errors.wrong_contract()
    return session, status


@get("/permission-access/query/{session_key:str}", responses=problems(401))
async def list_files(session_key: FromPath[str], runtime: GivenRuntime) -> Response[FileList]:
    """How the session stands, and its files."""
    try:
        async with runtime.database.transaction() as tx:
            session, status = await _found(tx, runtime, session_key)
            files = [] if status.state is SessionState.PENDING else await _files(tx, runtime, session, status)
    except NotFound:
        raise errors.invalid_session() from None
    return answer(file_list(status, files))


async def _files(tx: Tx, runtime: Runtime, session: Session, status: Status) -> list[File]:
    """Nothing is added once the session has ended."""
    files = await library_files.of_session(tx, runtime.vault, session)
    return [file for file in files if status.ended_at is None or file.since <= status.ended_at]


@get("/permission-access/query/{session_key:str}/{name:str}", responses=problems(401, 404))
async def read_file(session_key: FromPath[str], name: FromPath[str], runtime: GivenRuntime) -> Stream:
    """A file, encrypted for the contract's key; what it is stands in `X-Metadata`."""
    async with runtime.database.transaction() as tx:
        session, status = await _found(tx, runtime, session_key)
        if status.state is SessionState.PENDING:
            raise errors.not_found()
        if name == _ACCOUNTS:
            said, content = {}, await _accounts_file(tx, runtime, session)
        else:
            file = await library_files.named(tx, runtime.vault, session, name)
            if status.ended_at is not None and file.since > status.ended_at:
                raise errors.not_found()
            said, content = metadata(file, runtime.registry), await _content(tx, runtime, session, file)
    return await _sealed(session, said, content)


async def _accounts_file(tx: Tx, runtime: Runtime, session: Session) -> Source:
    """The accounts at services that the files come from."""
    registration, user_id = session.contract.registration, session.user_id
    consent_id = None if user_id is None else await library_grants.newest_family(tx, registration, user_id)
    if user_id is None or consent_id is None:
        raise errors.not_found()
    read = library_sessions.providers(runtime.registry, session.contract)
    held = await connections.of_user(tx, registration.application.id, user_id)
    linked = [each for each in held if each.provider_id in read]
    return partial(pieces_of, msgspec.json.encode(accounts_file(linked, runtime.registry, consent_id.hex)))


async def _content(tx: Tx, runtime: Runtime, session: Session, file: File) -> Source:
    """What is in a file, without encryption. Raises `NotFound`."""
    application_id, user_id = session.contract.registration.application.id, session.user_id
    if user_id is None:
        raise errors.not_found()
    if file.paper is not None:
        return await library_files.content_of(tx, runtime, user_id, application_id, file.paper)
    part = (application_id, user_id, file.provider_id, file.month)
    return partial(pieces_of, await (_movements if file.kind is TRANSACTION else _accounts)(tx, *part))


async def _movements(tx: Tx, application_id: UUID, user_id: UUID, provider_id: int, month: date) -> bytes:
    moved = await store.movements(tx, application_id, user_id, provider_id, month)
    return msgspec.json.encode([transaction_object(provider_id, each, number) for each, number in moved])


async def _accounts(tx: Tx, application_id: UUID, user_id: UUID, provider_id: int, month: date) -> bytes:
    held = await store.accounts_of(tx, application_id, user_id, provider_id, month)
    return msgspec.json.encode([account_object(provider_id, each) for each in held])


async def _sealed(session: Session, said: dict[str, Any], content: Source) -> Stream:
    """The content packed as the session wants it, and encrypted while it is sent. It is gone through twice, since its
    length and its hash come first.
    """
    compression = session.options.compression
    length, digest = await sealing.measured(packed(content(), compression))
    more = {"compression": compression, "size": length if "metadata" in said else None}  # `accounts.json` has no size.
    headers = {
        "X-Metadata": header(said | {name: value for name, value in more.items() if value is not None}),
        "Content-Length": str(sealing.size(length)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    sealed = sealing.pieces(session.contract.registration.public_key or "", digest, packed(content(), compression))
    return Stream(sealed, media_type="application/octet-stream", headers=headers)


HANDLERS = (trigger, list_files, read_file)
