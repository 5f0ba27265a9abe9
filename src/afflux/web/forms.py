"""Forms that can be sent only from the page they stand on: a cookie, which a hidden field repeats."""

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from litestar import Request

#: The hidden field.
FIELD = "csrf"
_OURS = re.compile(r"[A-Za-z0-9_-]{43}")


def word(request: Request[Any, Any, Any], cookie: str) -> str:
    """What the hidden field has to say: what the browser holds already, or something new."""
    held = request.cookies.get(cookie, "")
    return held if _OURS.fullmatch(held) else secrets.token_urlsafe(32)


def set_cookie(cookie: str, value: str, path: str, *, secure: bool, same_site: str = "Strict") -> str:
    """The header that lets the browser hold the word, for this path only; `Lax` where other sites lead back to it."""
    return f"{cookie}={value}; Path={path}; HttpOnly; SameSite={same_site}{'; Secure' if secure else ''}"


async def typed(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of a form that was sent; of one that is there twice, the last."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def is_from_us(request: Request[Any, Any, Any], cookie: str, fields: Mapping[str, str]) -> bool:
    """Whether the form was sent from our own page."""
    held = request.cookies.get(cookie, "")
    return bool(_OURS.fullmatch(held)) and hmac.compare_digest(fields.get(FIELD, "").encode(), held.encode())


def policy(*leads_to: str | None) -> str:
    """As on every page, but the form may lead on to these addresses: browsers hold its redirects to the policy too."""
    actions = " ".join(dict.fromkeys(["'self'", *filter(None, map(_origin, leads_to))]))
    return f"default-src 'none'; style-src 'self'; form-action {actions}; base-uri 'none'; frame-ancestors 'none'"


def _origin(address: str | None) -> str:
    """The address as a policy names it; of an app's own one the scheme, since what follows could be a directive."""
    parts = urlsplit(address or "")
    if parts.scheme in ("http", "https") and parts.netloc:
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:" if parts.scheme else ""
