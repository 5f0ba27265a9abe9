"""Who is asking: a contract, by a token signed for its key, each token once (contract: section 2.1)."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from afflux.domain.contracts import Contract
from afflux.domain.limits import PerMinute
from afflux.facades.digime import errors
from afflux.facades.digime.claims import Claims
from afflux.runtime import Runtime
from afflux.services import contracts
from afflux.store import nonces
from afflux.store.database import AWAY, Tx
from afflux.web import strict_json

AnyRequest = Request[Any, Any, Any]
C = TypeVar("C", bound=Claims)

log = logging.getLogger(__name__)

_ALGORITHM = "PS512"
#: Characters; baseline section 5.
_LONGEST = 16 * 1024
#: What would let a token bring its own key, or hide what it says.
_REFUSED = {"jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "zip", "b64"}
#: From here on a timestamp has milliseconds.
_MILLISECONDS = 10**11


@dataclass(frozen=True, slots=True)
class Asked(Generic[C]):
    """A contract's request, and what its token says."""

    contract: Contract
    claims: C


async def asked(request: AnyRequest, runtime: Runtime, kind: type[C]) -> Asked[C]:
    """Who asks for what. Raises `Refused`; the checks come in the order of the contract's section 2.1."""
    token = _bearer(request)
    payload = _payload(token)
    claims = _claims(payload, kind)
    async with runtime.database.reading() as tx:
        contract = await contracts.find(tx, claims.client_id)
        if contract is None:
            raise errors.invalid_client(claims.client_id)
        _verify(token, contract)
        _check_time(runtime, claims)
        _check_rate(request, runtime, contract)
        # Outside of a transaction: it is taken whatever comes of the request.
        await _use_nonce(tx, request, runtime, contract, claims)
    if claims.redirect_uri is not None and claims.redirect_uri not in contract.redirect_uris:
        raise errors.invalid_redirect(claims.redirect_uri)
    return Asked(contract, claims)


def _bearer(request: AnyRequest) -> str:
    """What follows `Bearer` in the one `Authorization` header."""
    values = request.headers.getall("authorization", [])
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise errors.validation("the Authorization header has to be Bearer and a token")
    return token.strip()


def _payload(token: str) -> Mapping[str, Any]:
    """What the token says, which nobody has proven yet."""
    try:
        if len(token) > _LONGEST:
            raise ValueError("too long")
        unproven = jws.extract_compact(token.encode("ascii"))
        header, payload = unproven.headers(), strict_json.decode(unproven.payload)
        right = header.get("alg") == _ALGORITHM and str(header.get("typ", "JWT")).upper() == "JWT"
        if not right or _REFUSED & header.keys() or not isinstance(payload, dict):
            raise ValueError("header")
    except (JoseError, ValueError, TypeError, AttributeError, KeyError):
        raise errors.invalid_jwt() from None
    return payload


def _claims(payload: Mapping[str, Any], kind: type[C]) -> C:
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        # It ends with the claim's name: “… field `nonce`”, or “… at `$.nonce`”.
        name = str(error).rstrip("`").rpartition("`")[2].removeprefix("$.")
        raise errors.invalid_request(f"The token's claim {name} is missing or malformed") from None


def _verify(token: str, contract: Contract) -> None:
    try:
        jws.deserialize_compact(token, _key(contract.registration.public_key or ""), algorithms=[_ALGORITHM])
    except (JoseError, ValueError, TypeError):
        raise errors.invalid_jwt() from None


@lru_cache(maxsize=1024)
def _key(pem: str) -> RSAKey:
    """The key, read once."""
    return RSAKey.import_key(pem)


def _check_time(runtime: Runtime, claims: Claims) -> None:
    stamp = claims.timestamp / 1000 if claims.timestamp >= _MILLISECONDS else claims.timestamp
    if not abs(float(stamp) - runtime.clock.now().timestamp()) <= runtime.settings.digime_clock_skew:
        raise errors.invalid_jwt()


def _check_rate(request: AnyRequest, runtime: Runtime, contract: Contract) -> None:
    """Before the nonce, which a client that has to wait sends again."""
    limit: PerMinute = request.scope["state"]["limit"]
    wait = limit.wait(contract.registration.id, runtime.clock.now().timestamp())
    if wait:
        raise errors.too_many(wait)


async def _use_nonce(tx: Tx, request: AnyRequest, runtime: Runtime, contract: Contract, claims: Claims) -> None:
    until = tx.now + timedelta(seconds=2 * runtime.settings.digime_clock_skew)
    fresh = await nonces.use(tx, contract.registration, claims.nonce, until)
    if not fresh:
        raise errors.invalid_request("The nonce was used already")
    request.scope["state"]["nonce"] = (contract.registration, claims.nonce)


class Released:
    """ASGI: a nonce is not used up by an answer that asks to try again, since clients do so with the same token."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and (message["status"] >= 500 or message["status"] == 429):
                await self._release(scope["state"].pop("nonce", None))
            await send(message)

        await self._app(scope, receive, answer)

    async def _release(self, used: Any) -> None:
        if used is None:
            return
        try:
            async with self._runtime.database.transaction() as tx:
                await nonces.release(tx, *used)
        except AWAY:
            log.warning("a nonce stays used: the database is away")


async def json_of(request: AnyRequest) -> dict[str, Any]:
    """The object in the body, of whatever type it says it is; empty where there is none. Raises `Refused` and
    `MalformedJson`.
    """
    body = await request.body()
    value = strict_json.decode(body) if body.strip() else {}
    if not isinstance(value, dict):
        raise errors.validation("the body has to be an object")
    return value
