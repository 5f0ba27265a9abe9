"""Tokens, sessions and keys (contract: sections 2 and 3.1 to 3.5)."""

import msgspec


class KeyObject(msgspec.Struct):
    """A public key."""

    kty: str
    kid: str
    use: str
    alg: str
    e: str
    n: str
    #: PKCS #1.
    pem: str


class KeySet(msgspec.Struct):
    """The keys that our tokens are signed with."""

    keys: list[KeyObject]


class SessionObject(msgspec.Struct):
    """A session: whoever has the key may list and read its files."""

    key: str
    #: Milliseconds since 1970.
    expiry: int


class Opened(msgspec.Struct):
    """A signed token with a code for the browser, and the session that begins with it."""

    #: Says `preauthorization_code`, or `reference_code`.
    token: str
    session: SessionObject


class Granted(msgspec.Struct):
    """A signed token that says `access_token` and `refresh_token`."""

    token: str


class Triggered(msgspec.Struct):
    """The session in which what is new can be read."""

    session: SessionObject


class LegacySession(msgspec.Struct, rename="camel"):
    """A session as older clients know it."""

    session_key: str
    #: Milliseconds since 1970.
    expiry: int
    session_exchange_token: str
