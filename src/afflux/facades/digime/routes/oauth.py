"""Being let in: codes for the browser, and tokens for them (contract: sections 3.1 and 3.3 to 3.5)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from litestar import Response, post

from afflux.domain.contracts import Contract
from afflux.domain.errors import NotFound
from afflux.domain.libraries import VisitKind
from afflux.domain.scopes import Scope
from afflux.facades.digime import agents, errors
from afflux.facades.digime.access import user_of
from afflux.facades.digime.claims import AccessClaims, AuthorizeClaims, TokenClaims
from afflux.facades.digime.documented import problems
from afflux.facades.digime.errors import Refused
from afflux.facades.digime.given import GivenKeyring, GivenRuntime
from afflux.facades.digime.options import options_of
from afflux.facades.digime.requests import AnyRequest, Asked, asked, json_of
from afflux.facades.digime.responses import answer, milliseconds, seconds, signed
from afflux.facades.digime.wire.tokens import Granted, Opened, SessionObject
from afflux.runtime import Runtime
from afflux.services import consent_visits, library_access, library_tokens
from afflux.services.consent_visits import Begun
from afflux.services.library_access import Standing
from afflux.services.library_tokens import CODE_LIFE, Pair, Refusal
from afflux.services.session_options import Options

_REFUSALS: Mapping[Refusal, Callable[[Asked[TokenClaims]], Refused]] = {
    Refusal.CODE: lambda _: errors.invalid_token("authorization_code"),
    Refusal.REDIRECT_URI: lambda given: errors.invalid_redirect(str(given.claims.redirect_uri)),
    Refusal.VERIFIER: lambda _: Refused(400, "InvalidGrant", "The code_verifier does not fit the code_challenge"),
}


@post("/oauth/authorize", status_code=200, responses=problems(401, 403, 429))
async def authorize(request: AnyRequest, runtime: GivenRuntime, keyring: GivenKeyring) -> Response[Opened]:
    """Begin a consent: a code that opens its page, and the session that can be read afterwards."""
    given = await asked(request, runtime, AuthorizeClaims)
    body = await json_of(request)
    agents.check(body.get("agent"), runtime.settings.digime_sdks)
    options = options_of(_pull(body), given.contract, runtime.clock.now())
    user_id = await _context(runtime, given)
    begun = await _begin(
        runtime,
        given.contract,
        VisitKind.AUTHORIZE,
        options,
        user_id=user_id,
        redirect_uri=given.claims.redirect_uri,
        state=given.claims.state,
        challenge=given.claims.code_challenge,
    )
    token = await signed(runtime, keyring, {"preauthorization_code": begun.code})
    return answer(Opened(token, _session(begun)))


def _pull(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The session options among `actions`."""
    actions = body.get("actions") or {}
    pull = actions.get("pull") if isinstance(actions, dict) else actions
    if not isinstance(pull or {}, dict):
        raise errors.validation("actions.pull has to be an object")
    return pull or {}


async def _context(runtime: Runtime, given: Asked[AuthorizeClaims]) -> UUID | None:
    """Whose library it is about. A token of any contract of the application will do, over or not."""
    if given.claims.access_token is None:
        return None
    async with runtime.database.reading() as tx:
        found = await library_access.look(tx, given.contract, given.claims.access_token, any_contract=True)
    return user_of(found, good=(Standing.GOOD, Standing.OVER))


async def _begin(runtime: Runtime, contract: Contract, kind: VisitKind, options: Options, **known: Any) -> Begun:
    try:
        async with runtime.database.transaction() as tx:
            return await consent_visits.begin(tx, runtime.settings, contract, kind, options, **known)
    except NotFound:
        raise errors.invalid_token("access_token") from None


def _session(begun: Begun) -> SessionObject:
    return SessionObject(begun.session.key, milliseconds(begun.session.expires_at))


@post("/oauth/token", status_code=200, responses=problems(401, 429))
async def get_tokens(request: AnyRequest, runtime: GivenRuntime, keyring: GivenKeyring) -> Response[Granted]:
    """Exchange a code or a refresh token for a pair of tokens."""
    given = await asked(request, runtime, TokenClaims)
    exchange = _EXCHANGES.get(given.claims.grant_type)
    if exchange is None:
        raise errors.invalid_grant(given.claims.grant_type, "authorization_code, refresh_token")
    pair = await exchange(runtime, given)
    return answer(Granted(await signed(runtime, keyring, _pair_object(pair))))


async def _by_code(runtime: Runtime, given: Asked[TokenClaims]) -> Pair:
    code, verifier = given.claims.code, given.claims.code_verifier
    if code is None or verifier is None:
        raise errors.invalid_request("The token's payload needs code and code_verifier")
    async with runtime.database.transaction() as tx:
        found = await library_tokens.redeem(
            tx, runtime.settings, given.contract, code, given.claims.redirect_uri, verifier
        )
    if isinstance(found, Refusal):
        raise _REFUSALS[found](given)
    return found


async def _by_refresh_token(runtime: Runtime, given: Asked[TokenClaims]) -> Pair:
    if given.claims.refresh_token is None:
        raise errors.invalid_request("The token's payload needs refresh_token")
    async with runtime.database.transaction() as tx:
        pair = await library_tokens.renew(tx, runtime.settings, given.contract, given.claims.refresh_token)
    if pair is None:
        raise await _no_refresh_token(runtime, given.contract, given.claims.refresh_token)
    return pair


async def _no_refresh_token(runtime: Runtime, contract: Contract, token: str) -> Refused:
    """Why a token renews nothing."""
    async with runtime.database.reading() as tx:
        standing, _ = await library_access.look(tx, contract, token)
    if standing in (Standing.GOOD, Standing.OVER):
        return errors.invalid_token_type("access_token", "refresh_token")
    return errors.invalid_token("refresh_token")


_EXCHANGES: Mapping[str, Callable[[Runtime, Asked[TokenClaims]], Awaitable[Pair]]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
}


def _pair_object(pair: Pair) -> dict[str, Any]:
    return {
        "access_token": {"value": pair.access_token, "expires_on": seconds(pair.access_expires_at)},
        "refresh_token": {"value": pair.refresh_token, "expires_on": seconds(pair.refresh_expires_at)},
        "consentid": pair.consent_id.hex,
        "identifier": {"id": pair.library_id.hex},
        "token_type": "Bearer",
    }


@post("/oauth/token/reference", status_code=200, responses=problems(401, 429))
async def get_reference(request: AnyRequest, runtime: GivenRuntime, keyring: GivenKeyring) -> Response[Opened]:
    """Begin the linking of a further service: a code that opens its page, and the session to read in afterwards."""
    given = await asked(request, runtime, AccessClaims)
    async with runtime.database.reading() as tx:
        found = await library_access.look(tx, given.contract, given.claims.access_token)
    begun = await _begin(
        runtime,
        given.contract,
        VisitKind.ONBOARD,
        Options(Scope(), None, None),
        user_id=user_of(found),
        redirect_uri=given.claims.redirect_uri or given.contract.redirect_uris[0],
    )
    ends = seconds(runtime.clock.now() + CODE_LIFE)
    payload = {"reference_code": begun.code, "expires_on": ends, "token_type": "Bearer"}
    return answer(Opened(await signed(runtime, keyring, payload), _session(begun)))


HANDLERS = (authorize, get_tokens, get_reference)
