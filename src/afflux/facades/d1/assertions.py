"""The JWTs that issuers sign to get an access token (contract: section 3.2; RFC 7523)."""

from collections.abc import Mapping
from typing import Any

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from afflux.domain.applications import Facade, Registration
from afflux.runtime import Runtime
from afflux.store import applications

_ALGORITHM = "ES256"
#: Characters; baseline section 5.
_LONGEST = 16 * 1024
#: Seconds an assertion may still be good for, and by which an issuer's clock may be ahead of ours.
_FARTHEST, _SKEW = 15 * 60, 60
#: What would let an assertion bring its own key, or hide what it says.
_REFUSED = {"jku", "jwk", "x5u", "x5c", "crit", "zip", "b64"}


async def issuer_of(runtime: Runtime, assertion: str, audiences: frozenset[str]) -> Registration | None:
    """Who signed the assertion; None for one that is not good."""
    try:
        return await _verified(runtime, assertion, audiences)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None


async def _verified(runtime: Runtime, assertion: str, audiences: frozenset[str]) -> Registration | None:
    if len(assertion) > _LONGEST:
        return None
    unproven = jws.extract_compact(assertion.encode("ascii"))
    key_id = _key_id(unproven.headers())
    async with runtime.database.reading() as tx:
        found = await applications.registration(tx, Facade.D1, _text(msgspec.json.decode(unproven.payload)["iss"]))
    if found is None or key_id not in found.settings["keys"]:
        return None
    claims = jwt.decode(assertion, ECKey.import_key(found.settings["keys"][key_id]), algorithms=[_ALGORITHM]).claims
    return found if _is_good(claims, found.public_id, runtime.clock.now().timestamp(), audiences) else None


def _key_id(headers: Mapping[str, Any]) -> str:
    """The `kid` of a header that has nothing it should not have. Raises `ValueError`."""
    right = headers.get("alg") == _ALGORITHM and headers.get("typ", "JWT").upper() == "JWT"
    if not right or _REFUSED & headers.keys():
        raise ValueError("header")
    return _text(headers["kid"])


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("text")
    return value


def _is_good(claims: Mapping[str, Any], issuer_id: str, now: float, audiences: frozenset[str]) -> bool:
    ends = claims["exp"]
    if isinstance(ends, bool) or not isinstance(ends, int | float):
        return False
    return (
        claims["iss"] == claims["sub"] == issuer_id
        and now < ends <= now + _FARTHEST + _SKEW
        and ("aud" not in claims or bool(audiences & _named(claims["aud"])))
    )


def _named(audience: object) -> set[str]:
    """The audiences of a claim, which is a text or a list of texts."""
    several = audience if isinstance(audience, list) else [audience]
    return {each.rstrip("/") for each in several if isinstance(each, str)}
