"""The page of the sandbox's Afflux Test Bank on which its customers consent: a sealed application at `/sandbox`.

A program that cannot show pages (it does not accept HTML) consents by merely coming here, as `dev` or as the `login` in
its query, and is sent on to the application at once.
"""

from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from litestar.types import ASGIApp

from afflux.connectors.sandbox import twoways
from afflux.domain.connections import ConsentRequest
from afflux.runtime import Runtime
from afflux.services import consents
from afflux.store import applications
from afflux.web import forms
from afflux.web.pages import Pages, stylesheet
from afflux.widget import api, returns

PATH = "/sandbox/bank"
_COOKIE = "sandbox_bank"
AnyRequest = Request[Any, Any, Any]


@get("/bank", status_code=200)
async def show(request: AnyRequest, runtime: NamedDependency[Runtime], pages: NamedDependency[Pages]) -> Response[Any]:
    """Who asks for what, with Allow and Deny."""
    state = request.query_params.get("state", "")
    if "text/html" in request.headers.get("accept", ""):
        return await _page(request, runtime, pages, state)
    login = request.query_params.get("login", twoways.LOGIN)
    return await returns.keep(request, runtime, pages, state, {"code": twoways.grant(login)})


async def _page(request: AnyRequest, runtime: Runtime, pages: Pages, state: str) -> Response[Any]:
    async with runtime.database.reading() as tx:
        asked = await consents.asked(tx, state)
        application = await applications.by_id(tx, asked.application_id)
    _, bank, channel = runtime.registry.channel(asked.channel_id)
    word = forms.word(request, _COOKIE)
    return pages.page(
        "bank.html",
        200,
        _headers(runtime, asked, word),
        bank=bank.name,
        application=application.name,
        days=channel.limits.consent_days,
        query=urlencode({"state": state}),
        csrf=word,
        login=twoways.LOGIN,
    )


def _headers(runtime: Runtime, asked: ConsentRequest, word: str) -> dict[str, str]:
    home = urlsplit(runtime.settings.public_url)
    path = home.path.rstrip("/") + PATH
    return {
        "Set-Cookie": forms.set_cookie(_COOKIE, word, path, secure=home.scheme == "https"),
        "Content-Security-Policy": forms.policy(asked.redirect_url),
    }


@post("/bank", status_code=200)
async def decide(
    request: AnyRequest, runtime: NamedDependency[Runtime], pages: NamedDependency[Pages]
) -> Response[Any]:
    """Allow or Deny was pressed: back to whoever asked, as a real bank would."""
    state = request.query_params.get("state", "")
    fields = await forms.typed(request)
    if not forms.is_from_us(request, _COOKIE, fields):
        return await _page(request, runtime, pages, state)
    async with runtime.database.reading() as tx:
        await consents.asked(tx, state)
    agreed = fields.get("decision") == "allow"
    outcome = {"code": twoways.grant(fields.get("login", ""))} if agreed else {"error": "access_denied"}
    home = consents.with_query(runtime.settings.public_url + consents.RETURN, {"state": state, **outcome})
    return Redirect(home, status_code=303, headers={"Cache-Control": "no-store"})


def create(runtime: Runtime) -> ASGIApp:
    """The page as an ASGI application. It sees whole paths."""
    return api.sealed(runtime, "/sandbox", (stylesheet, show, decide))
