"""Access tokens (contract: section 3.2)."""

from typing import Literal

import msgspec


class TokenRequest(msgspec.Struct):
    """An assertion, to be exchanged for an access token."""

    #: `urn:ietf:params:oauth:grant-type:jwt-bearer`.
    grant_type: str
    #: A JWT that the issuer signed with ES256.
    assertion: str


class Token(msgspec.Struct):
    """An access token."""

    access_token: str
    #: Seconds.
    expires_in: int
    #: Separated by spaces.
    scope: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind of token
