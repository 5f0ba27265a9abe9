"""The signature every request carries (contract: section 3.1)."""

import hashlib
import hmac
from collections.abc import Iterator

_BRACKETS = ((b"[", b"%5B"), (b"]", b"%5D"))


def signature(secret: bytes, method: str, target: bytes, body: bytes) -> bytes:
    """What a client has to send: `$5$` and the SHA-256 of the secret, method, raw target and body, joined by `+`."""
    message = b"+".join((secret, method.lower().encode(), target, body))
    return b"$5$" + hashlib.sha256(message).hexdigest().encode()


def is_signed(given: bytes, secret: bytes, method: str, target: bytes, body: bytes) -> bool:
    """Whether the signature is right, in constant time.

    Brackets of a filter travel raw or encoded, and some clients sign one form and send the other; either is right. So
    is a target with or without the question mark of an empty query.
    """
    # A list, so that every form is compared, whichever is right.
    return any([hmac.compare_digest(given, signature(secret, method, form, body)) for form in _forms(target)])


def _forms(target: bytes) -> Iterator[bytes]:
    """The target as it was received, then with its brackets raw, encoded, and without an empty query."""
    raw = encoded = target
    for bracket, escape in _BRACKETS:
        raw = raw.replace(escape, bracket).replace(escape.lower(), bracket)
        encoded = encoded.replace(bracket, escape)
    yield target
    yield from {raw, encoded, target.removesuffix(b"?")} - {target}
