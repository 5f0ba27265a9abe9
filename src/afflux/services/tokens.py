"""Access tokens: JWTs signed with RS256 (RFC 7519, RFC 7515) that work at one facade and for one application only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from joserfc import jws, jwt
from joserfc.errors import JoseError

from afflux.domain.applications import Facade
from afflux.services.keyring import Keyring

_ALGORITHM = "RS256"
#: Characters; baseline section 5.
_LONGEST = 16 * 1024


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as it is handed out."""

    value: str
    id: str
    expires_at: datetime


async def issue(
    keyring: Keyring,
    facade: Facade,
    audience: str,
    subject: str,
    now: datetime,
    life: timedelta,
    claims: Mapping[str, Any] | None = None,
) -> AccessToken:
    """A new token for `subject`, good at `facade` for the application known there as `audience`."""
    key_id, key = await keyring.signing()
    issued = int(now.timestamp())
    expires = issued + int(life.total_seconds())
    payload = {
        "aud": audience,
        "jti": str(uuid4()),
        "iat": issued,
        "nbf": issued,
        "exp": expires,
        "sub": subject,
        "iss": _issuer(facade),
        **(claims or {}),
    }
    value = jwt.encode({"typ": "JWT", "alg": _ALGORITHM, "kid": key_id}, payload, key, algorithms=[_ALGORITHM])
    return AccessToken(value, payload["jti"], datetime.fromtimestamp(expires, tz=now.tzinfo))


async def verify(
    keyring: Keyring, facade: Facade, audience: str | None, value: str, now: datetime
) -> dict[str, Any] | None:
    """The claims of a token that is ours, for this facade and this application, and not over; None for any other.

    Without `audience`, the caller looks at the claim `aud` itself.
    """
    try:
        return _checked(await _claims(keyring, value), facade, audience, now.timestamp())
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _issuer(facade: Facade) -> str:
    return f"afflux/{facade}"


async def _claims(keyring: Keyring, value: str) -> dict[str, Any]:
    if len(value) > _LONGEST:
        raise ValueError("too long")
    key = await keyring.verifying(str(jws.extract_compact(value.encode()).headers()["kid"]))
    if key is None:
        raise KeyError("kid")
    return dict(jwt.decode(value, key, algorithms=[_ALGORITHM]).claims)


def _checked(claims: dict[str, Any], facade: Facade, audience: str | None, now: float) -> dict[str, Any] | None:
    right = claims["iss"] == _issuer(facade) and audience in (None, claims["aud"])
    return claims if right and claims["nbf"] <= now < claims["exp"] else None
