"""What the documentation of the facade says besides its routes."""

from litestar.handlers import HTTPRouteHandler

from afflux.web.openapi import Json, Section

VERSION = "1.6"

#: Routes that need no signed request: keys and services are public, and a session's key is all that opens it.
UNSIGNED = {"get_keys", "list_services", "list_files", "read_file", "open_session"}


def sections(url: str) -> tuple[Section, ...]:
    """The guide; `url` is where clients reach the server."""
    return (
        Section(
            "Contracts",
            (
                "An operator makes a contract for an application: to read, to write, or to read what was written. Its "
                "backend holds an RSA key of 2048 bits; the server knows the public half.",
            ),
            "afflux app digime shop --application-id APP --contract-id CONTRACT --kind read \\\n"
            "  --public-key contract.pem --redirect-uri https://app.example/back",
        ),
        Section(
            "Signed requests",
            (
                "A request carries `Authorization: Bearer` and a JWT signed with PS512, which says `client_id` (both "
                "ids, joined by an underscore), a `nonce` of 32 letters and digits that is good once, `timestamp` and "
                "`redirect_uri`, and what the operation needs. Answers that bring codes or tokens are JWTs too; their "
                f"header says where the key is: `{url.rstrip('/')}/v1.6/jwks/oauth`.",
            ),
        ),
        Section(
            "Letting somebody in",
            (
                "`oauth/authorize` with a PKCE challenge gives a code and a session. Send the browser to "
                f"`{url.rstrip('/')}/apps/saas/authorize?code=…&callback=…`; it comes back to the redirect URI with "
                "another code, which `oauth/token` exchanges. The session can be read from then on.",
            ),
        ),
        Section(
            "Files",
            (
                "A session's files are listed with the moment their content last changed. Each is encrypted for the "
                "contract's key: 256 bytes RSA-OAEP of an AES key, 16 bytes IV, then AES-256-CBC of the SHA-512 of "
                "the content and the content. `X-Metadata` says what it is.",
            ),
        ),
        Section(
            "Errors",
            (
                "An error has a code, a message and a reference, in its body and in `X-Error-Code`, `X-Error-Message` "
                "and `X-Error-Reference`.",
            ),
        ),
    )


SCHEMES: dict[str, Json] = {
    "contract": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token that the contract's key signed for this one request; see Signed requests.",
    }
}

#: Bodies that are read whatever type they say they have.
_BODIES = {
    "authorize": ("What is to be read, and how", {"actions": {"pull": {"accept": {"compression": "gzip"}}}}),
    "trigger": ("What is to be read, and how", {"scope": {"serviceGroups": [{"id": 3}]}}),
    "open_session": ("The contract", {"appId": "APP", "contractId": "CONTRACT"}),
}
_BYTES = {"type": "string", "format": "binary"}
_METADATA = {"description": "What the file is: an object, in base64url", "schema": {"type": "string"}}


def annotate(handler: HTTPRouteHandler, operation: Json) -> None:
    """Say which requests are signed, and what a body can be."""
    name = operation["operationId"]
    operation["security"] = [] if name in UNSIGNED else [{"contract": []}]
    if name in _BODIES:
        text, example = _BODIES[name]
        media = {"schema": {"type": "object"}, "example": example}
        operation["requestBody"] = {"description": text, "content": {"application/json": media}}
    if name == "push":
        part = {"type": "object", "properties": {"file": _BYTES}, "required": ["file"]}
        operation["requestBody"] = {"content": {"multipart/form-data": {"schema": part}}, "required": True}
    if name == "read_file":
        content = {"application/octet-stream": {"schema": _BYTES}}
        operation["responses"]["200"] |= {"content": content, "headers": {"X-Metadata": _METADATA}}


EXAMPLES: dict[str, object] = {
    "key": "Qm3xVb7TzK1pLw9aYc5dRf2gHj8sNu4e",
    "expiry": 1700000900000,
    "token": "eyJhbGciOiJQUzUxMiJ9.eyJjb2RlIjoi4oCmIn0.c2lnbmF0dXJl",
    "session_key": "Qm3xVb7TzK1pLw9aYc5dRf2gHj8sNu4e",
    "name": "3_1000_201_D202606_1.json",
    "postbox_id": "Zk4pTq8wXe2rMn6bVc1yHs9uJd5gLf3a",
}
