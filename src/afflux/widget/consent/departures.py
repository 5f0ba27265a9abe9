"""Leaving the consent pages for a bank's own page, and the way back.

The browser itself remembers where it left from, so that nobody else can come back there: a cookie for each connection.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from litestar import Request, Response

from afflux.runtime import Runtime
from afflux.services import consents
from afflux.widget.consent import going

#: Seconds: no address of a bank's page is good for longer.
_LIFE = int(consents.LIFE.total_seconds())


def page(runtime: Runtime) -> str:
    """The path of the page that is left and come back to."""
    return f"{_root(runtime)}{going.HOME}/link"


def remember(response: Response[Any], runtime: Runtime, connection_id: UUID, query: str) -> Response[Any]:
    """The response, with which the browser remembers that it left that page, with this query, for this connection."""
    response.set_cookie(
        _cookie(connection_id),
        urlsafe_b64encode(query.encode()).rstrip(b"=").decode(),
        max_age=_LIFE,
        path=f"{_root(runtime)}/",
        secure=runtime.settings.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return response


def home(request: Request[Any, Any, Any], page: str, connection_id: UUID) -> str | None:
    """The page with the query with which this browser left it; None for a browser that did not leave from there."""
    query = _query(request.cookies.get(_cookie(connection_id), ""))
    if not query:
        return None
    parts = urlsplit(page)
    return urlunsplit(parts._replace(query="&".join(filter(None, (query, parts.query)))))


def _query(held: str) -> str:
    """What a cookie says; empty for one that is not ours."""
    try:
        query = urlsafe_b64decode(f"{held}==").decode("ascii")
    except ValueError:
        return ""
    return query if query.isprintable() else ""


def _root(runtime: Runtime) -> str:
    return urlsplit(runtime.settings.public_url).path.rstrip("/")


def _cookie(connection_id: UUID) -> str:
    return f"afflux_left_{connection_id.hex}"
