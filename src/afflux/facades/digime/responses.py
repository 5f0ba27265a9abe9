"""Tokens that we sign, and plain JSON (contract: section 2.2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from joserfc import jwt
from litestar import Response

from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web import answers

T = TypeVar("T")

_ALGORITHM = "PS512"


async def signed(runtime: Runtime, keyring: Keyring, payload: Mapping[str, Any]) -> str:
    """The payload as a token, which says where its key is."""
    key_id, key = await keyring.signing()
    header = {"alg": _ALGORITHM, "typ": "JWT", "jku": f"{home(runtime)}jwks/oauth", "kid": key_id}
    return jwt.encode(header, dict(payload), key, algorithms=[_ALGORITHM])


def home(runtime: Runtime) -> str:
    """Where this facade is, for others."""
    return f"{runtime.settings.public_url.rstrip('/')}/v1.6/"


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return int(moment.timestamp() * 1000)


def seconds(moment: datetime) -> int:
    """Since 1970."""
    return int(moment.timestamp())


def answer(value: T, status: int = 200, headers: dict[str, str] | None = None) -> Response[T]:
    """`value` as the JSON of a response that nobody keeps."""
    return answers.answer(value, status, {"Cache-Control": "no-store", **(headers or {})})
