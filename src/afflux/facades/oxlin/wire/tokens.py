"""The answer to a token request (contract: section 2.1)."""

import msgspec


class Token(msgspec.Struct, omit_defaults=True):
    """An access token, and what it is renewed with."""

    access_token: str
    token_type: str
    #: Seconds.
    expires_in: int
    scope: str
    #: Only where a user has signed in.
    refresh_token: str | None = None
