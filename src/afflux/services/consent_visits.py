"""Visits to the consent pages: begun by a contract, decided by a person, ended with a code for the application."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from afflux.config import Settings
from afflux.domain.contracts import Contract
from afflux.domain.errors import Conflict, NotFound
from afflux.domain.libraries import Visit, VisitKind
from afflux.runtime import Runtime
from afflux.services import contracts, library_sessions, library_tokens
from afflux.services.grants import hashed
from afflux.services.library_sessions import Opened
from afflux.services.library_tokens import CODE_LIFE
from afflux.services.session_options import Options
from afflux.store import consent_visits as store
from afflux.store import users
from afflux.store.database import Tx


@dataclass(frozen=True, slots=True)
class Begun:
    """A visit that is to come, and the session that begins with it."""

    #: Opens the page.
    code: str
    session: Opened


async def begin(
    tx: Tx,
    settings: Settings,
    contract: Contract,
    kind: VisitKind,
    options: Options,
    *,
    user_id: UUID | None,
    redirect_uri: str,
    state: str | None = None,
    challenge: str | None = None,
) -> Begun:
    """Expect a person; `user_id` is whose library it is about, where that is known. Raises `NotFound` for a user who
    is gone.
    """
    registration = contract.registration
    if user_id is not None and not await users.share(tx, registration.application.id, user_id):
        raise NotFound("user not found")
    code = library_tokens.word()
    session = await library_sessions.open_session(tx, settings, contract, options)
    await store.insert(
        tx, registration, session.id, user_id, hashed(code), kind, redirect_uri, state, challenge, tx.now + CODE_LIFE
    )
    return Begun(code, session)


async def find(tx: Tx, code: str) -> Visit:
    """The visit that a code opens or opened. Raises `NotFound` for one that is unknown."""
    row = await store.by_code(tx, hashed(code))
    contract = None if row is None else await contracts.find(tx, row.pop("public_id"))
    if row is None or contract is None:
        raise NotFound("visit not found")
    return Visit(contract=contract, **row | {"kind": VisitKind(row["kind"])})


def is_by(visit: Visit, browser: str) -> bool:
    """Whether this browser is the one that consented."""
    return visit.browser_hash is not None and hmac.compare_digest(visit.browser_hash, hashed(browser))


async def settle(tx: Tx, visit: Visit, user_id: UUID, browser: str) -> None:
    """The person in this browser consented, for this library. Raises `Conflict` where another browser was first, and
    `NotFound` for a user who is gone.
    """
    application_id = visit.contract.registration.application.id
    if not await users.share(tx, application_id, user_id):
        raise NotFound("user not found")
    if not await store.settle(tx, application_id, visit.id, user_id, hashed(browser)):
        raise Conflict("the visit was decided before")


async def finish(tx: Tx, runtime: Runtime, visit: Visit, user_id: UUID) -> Mapping[str, str]:
    """End the visit well: the session begins, and the browser takes these parameters to the application.

    Raises `NotFound` when it has ended before or the user is gone.
    """
    contract = visit.contract
    await library_sessions.trigger(tx, runtime, contract, visit.session_id, user_id)
    await _end(tx, visit)
    if visit.kind is VisitKind.ONBOARD:
        return {"success": "true"}
    code = await library_tokens.give_code(tx, contract, user_id, visit.redirect_uri, visit.challenge or "")
    stated = {} if visit.state is None else {"state": visit.state}
    return {"success": "true", "code": code, **stated}


async def give_up(tx: Tx, visit: Visit) -> None:
    """End the visit without anything. Raises `NotFound` when it has ended before."""
    await _end(tx, visit)


async def _end(tx: Tx, visit: Visit) -> None:
    if not await store.use(tx, visit.contract.registration.application.id, visit.id):
        raise NotFound("visit not found")
