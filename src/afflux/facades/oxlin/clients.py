"""Which application asks, by its id and secret, and what it asks (contract: sections 2.1 and 3.8)."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from litestar import Request

from afflux.domain.applications import Facade, Registration
from afflux.facades.oxlin.errors import Refused
from afflux.facades.oxlin.requests import NOTHING
from afflux.runtime import Runtime
from afflux.services.grants import hashed
from afflux.store import applications
from afflux.web import strict_json

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Asked:
    """The members of a request, from a form or from JSON."""

    fields: dict[str, str]

    def required(self, name: str) -> str:
        """A member that has to be there. Raises `Refused`."""
        value = self.fields.get(name)
        if not value:
            raise malformed(f"{name} is missing")
        return value

    def optional(self, name: str) -> str | None:
        """A member that may be there; an empty one is not."""
        return self.fields.get(name) or None


def malformed(description: str) -> Refused:
    """The request is none."""
    return Refused(400, "invalid_request", description)


async def asked(request: Request[Any, Any, Any]) -> Asked:
    """What the request asks. Raises `Refused`."""
    body = await request.body()
    if request.content_type[0] == _FORM:
        return Asked(_form(body))
    if body is NOTHING or strict_json.is_type(request.headers.getall("content-type", [])):
        return Asked(_object(body))
    raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "The body has to be a form or JSON")


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise malformed("The form cannot be read") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise malformed("A parameter is there twice")
    return _checked(found)


def _object(body: bytes) -> dict[str, str]:
    try:
        found = strict_json.decode(body)
    except strict_json.MalformedJson:
        raise malformed("The body is not valid JSON") from None
    if not isinstance(found, dict):
        raise malformed("The body has to be an object")
    return _checked({name: value for name, value in found.items() if value is not None})


def _checked(found: dict[str, Any]) -> dict[str, str]:
    for name, value in found.items():
        if not isinstance(value, str) or "\0" in value:
            raise malformed(
                f"{name} has to be a text" if name.isascii() and name.isidentifier() else "A text is needed"
            )
    return found


async def client_of(request: Request[Any, Any, Any], runtime: Runtime, given: Asked) -> Registration:
    """The application, by HTTP Basic or by what the body says. Raises `Refused`, alike for every mistake."""
    client_id, secret = _basic(request) or (given.fields.get("client_id", ""), given.fields.get("client_secret", ""))
    if given.fields.get("client_id", client_id) != client_id:
        raise malformed("Two clients are named")
    registration = None if "\0" in client_id else await registered(runtime, client_id)
    right = hmac.compare_digest((registration and registration.secret_hash) or b"", hashed(secret))
    if registration is None or not right:
        raise Refused(
            401, "invalid_client", "The client is unknown or its secret is wrong", {"WWW-Authenticate": "Basic"}
        )
    return registration


async def registered(runtime: Runtime, client_id: str) -> Registration | None:
    """The application that is known as `client_id`."""
    async with runtime.database.reading() as tx:
        return await applications.registration(tx, Facade.OXLIN, client_id)


def _basic(request: Request[Any, Any, Any]) -> tuple[str, str] | None:
    """Name and secret from the header (RFC 6749, section 2.3.1); None without one."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)
