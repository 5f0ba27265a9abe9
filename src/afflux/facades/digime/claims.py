"""What a request's token may say, by operation (contract: section 2.1). Claims nobody knows are ignored."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

#: A text that is there and not endless.
Text = Annotated[str, Meta(min_length=1, max_length=8192)]
Challenge = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]


class Claims(msgspec.Struct, kw_only=True):
    """What every token says."""

    client_id: Text
    nonce: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{32}\Z")]
    #: Of its making: seconds or milliseconds since 1970.
    timestamp: int | float
    redirect_uri: Text | None = None


class AuthorizeClaims(Claims, kw_only=True):
    """To be let in."""

    redirect_uri: Text
    #: Whose library it is, where that is known; may be over.
    access_token: Text | None = None
    code_challenge: Challenge
    code_challenge_method: Literal["S256"]
    response_mode: Literal["query"]
    response_type: Literal["code"]
    state: Annotated[str, Meta(max_length=2048)] | None = None


class TokenClaims(Claims, kw_only=True):
    """To exchange a code or a refresh token."""

    grant_type: Text
    code: Text | None = None
    code_verifier: Text | None = None
    refresh_token: Text | None = None


class AccessClaims(Claims, kw_only=True):
    """To do something with a library."""

    access_token: Text


class TriggerClaims(AccessClaims, kw_only=True):
    """To fetch what is new."""

    session_key: Text | None = None


class PushClaims(Claims, kw_only=True):
    """To push a file: how it is encrypted, and what it is."""

    access_token: Text | None = None
    iv: Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{32}\Z")]
    symmetrical_key: Text
    metadata: Text
