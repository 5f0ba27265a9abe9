"""Where the consent pages may send a browser to."""

from collections.abc import Sequence
from urllib.parse import urlsplit

_WEB = ("http", "https")


def is_safe(callback: str, registered: Sequence[str]) -> bool:
    """Whether the callback is at the origin, or has the own scheme, of an address that the contract registered."""
    if not callback.isascii() or not callback.isprintable() or "\\" in callback or " " in callback:
        return False
    origin = _origin(callback)
    return origin is not None and origin in {_origin(each) for each in registered}


def _origin(address: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address)
        if "@" in parts.netloc or not parts.scheme or (parts.scheme in _WEB and not parts.hostname):
            return None
        _ = parts.port
    except ValueError:
        return None
    return parts.scheme, parts.netloc.lower() if parts.scheme in _WEB else ""
