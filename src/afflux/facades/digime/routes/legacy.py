"""Sessions as clients asked for them before there were tokens (contract: section 3.14)."""

from typing import Any

from litestar import Response, post

from afflux.domain.contracts import Contract
from afflux.facades.digime import agents, errors
from afflux.facades.digime.documented import problems
from afflux.facades.digime.errors import Refused
from afflux.facades.digime.given import GivenRuntime
from afflux.facades.digime.options import options_of
from afflux.facades.digime.requests import AnyRequest, json_of
from afflux.facades.digime.responses import answer, milliseconds
from afflux.facades.digime.wire.tokens import LegacySession
from afflux.runtime import Runtime
from afflux.services import contracts, library_sessions, library_tokens


@post("/permission-access/session", status_code=200, responses=problems(403, 404))
async def open_session(request: AnyRequest, runtime: GivenRuntime) -> Response[LegacySession]:
    """Open a session that stays pending: what it waited for, consent in a vendor's app, does not exist here."""
    body = await json_of(request)
    agents.check(body.get("sdkAgent"), runtime.settings.digime_sdks)
    contract = await _contract(runtime, body)
    options = options_of(body, contract, runtime.clock.now())
    async with runtime.database.transaction() as tx:
        opened = await library_sessions.open_session(tx, runtime.settings, contract, options)
    return answer(LegacySession(opened.key, milliseconds(opened.expires_at), library_tokens.word()))


async def _contract(runtime: Runtime, body: dict[str, Any]) -> Contract:
    """The contract that is named. Raises `Refused`."""
    application_id, contract_id = body.get("appId"), body.get("contractId")
    if not isinstance(application_id, str) or not isinstance(contract_id, str):
        raise errors.validation("appId and contractId have to be texts")
    async with runtime.database.reading() as tx:
        known = await contracts.by_id(tx, contract_id)
        named = await contracts.find(tx, f"{application_id}_{contract_id}")
    if known is None:
        raise Refused(404, "InvalidContractId", "The contract id is invalid")
    if named is None:
        raise Refused(404, "InvalidConsentAccessApplication", "The application id is invalid")
    return named


HANDLERS = (open_session,)
