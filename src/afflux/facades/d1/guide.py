"""What the documentation of the facade says besides its routes."""

from typing import Any

from litestar.handlers import HTTPRouteHandler

from afflux.facades.d1.auth import ID_PATTERN, ISSUER_PATTERN
from afflux.facades.d1.correlation import HEADER, PATTERN
from afflux.web.openapi import Json, Section

VERSION = "1.0"

_KEY = """\
openssl ecparam -name prime256v1 -genkey -noout -out issuer.pem
openssl ec -in issuer.pem -pubout -out issuer.pub
afflux app d1 shop --issuer-id BANKONE-01 --kid key-1 --public-key issuer.pub"""

_CALL = """\
token=...                       # the access_token of the answer
curl --request PUT --header "Authorization: Bearer $token" {url}/banking/v1/issuers/BANKONE-01/consumers/anna
curl --header "Authorization: Bearer $token" {url}/banking/v1/issuers/BANKONE-01/consumers/anna/operations"""


def sections(url: str) -> tuple[Section, ...]:
    """The guide; `url` is where clients reach the server."""
    return (
        Section("Becoming an issuer", ("An application becomes an issuer with a public key of its own.",), _KEY),
        Section(
            "Getting a token",
            (
                "Sign a JWT with ES256: `kid` in its header; `iss` and `sub` are the issuer id, `exp` is at most 15 "
                "minutes ahead. Exchange it for an access token, and use that until it ends.",
            ),
            _CALL.format(url=url),
        ),
        Section(
            "Consumers",
            (
                "A consumer is a user of the application, whichever API made it: `consumer_id` is the application's "
                "own id for the user, or the user's id here where the application gave none.",
                "Operations are shown for three months, newest first.",
            ),
        ),
        Section(
            "Correlation",
            (
                "Every answer has an `x-correlation-id`: the one that was sent, or a new one. It is logged in clear.",
                "An error is an object with one text, which is for people and may change.",
            ),
        ),
    )


SCHEMES: dict[str, Json] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The issuer's access token, from POST /authz/v1/oauth2/token.",
    }
}
_PATTERNS = {"issuer_id": ISSUER_PATTERN, "consumer_id": ID_PATTERN, "operation_id": ID_PATTERN}
_CORRELATION: Json = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Tells the calls of one use case; logged in clear.",
    "schema": {"type": "string", "pattern": PATTERN},
}
_ECHO: Json = {HEADER: {"description": "The call's correlation id.", "required": True, "schema": {"type": "string"}}}
_TOKEN_REQUEST: Json = {
    "type": "object",
    "properties": {
        "grant_type": {"const": "urn:ietf:params:oauth:grant-type:jwt-bearer"},
        "assertion": {"type": "string", "minLength": 1, "description": "A JWT that the issuer signed with ES256."},
    },
    "required": ["grant_type", "assertion"],
}
_NEEDS_BODY = "register_consumer_with_cards"


def annotate(handler: HTTPRouteHandler, operation: Json) -> None:
    """Say who may call it, how its ids look, and what comes with every call."""
    for parameter in operation.get("parameters", ()):
        if pattern := _PATTERNS.get(parameter["name"]):
            parameter["schema"]["pattern"] = pattern
    operation["parameters"] = [*operation.get("parameters", ()), _CORRELATION]
    for response in operation["responses"].values():
        response["headers"] = {**response.get("headers", {}), **_ECHO}
    if handler.guards:
        operation["security"] = [{"token": []}]
    if handler.handler_name == "get_token":
        types = ("application/json", "application/x-www-form-urlencoded")
        operation["requestBody"] = {"required": True, "content": {type: {"schema": _TOKEN_REQUEST} for type in types}}
    elif "requestBody" in operation:
        operation["requestBody"]["required"] = handler.handler_name == _NEEDS_BODY


EXAMPLES: dict[str, Any] = {
    "issuer_id": "BANKONE-01",
    "consumer_id": "anna",
    "access_token": "eyJhbGciOi...",
    "expires_in": 900,
    "scope": "d1-api:account:full d1-api:card:full d1-api:consumer:full",
    "token_type": "Bearer",
    "operationId": "6f1c9a77-b0d2-4a5e-8a6b-0d2b5d3e1c44",
    "requestorId": "BANKONE-01",
    "startTime": "2031-05-04T10:20:30.125Z",
    "endTime": "2031-05-04T10:20:30.490Z",
    "reason": "account closed at branch 12",
    "remainingOperations": 0,
    "errorCode": "LEDGER_UNAVAILABLE",
    "cardId": "card-1",
    "encryptedData": "eyJhbGciOi...",
}
