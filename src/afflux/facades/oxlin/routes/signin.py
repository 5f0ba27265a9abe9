"""`/signin`: a person signs in, and the browser brings a code to the application (contract: section 2.2).

Until the application and its address are known to be right, nothing is sent anywhere. From then on every error goes
to that address too, in the words of RFC 6749, section 4.1.2.1.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response, get, post

from afflux.domain.applications import Registration
from afflux.facades.oxlin import scopes
from afflux.facades.oxlin.clients import registered
from afflux.facades.oxlin.given import GivenPages, GivenRuntime
from afflux.facades.oxlin.scopes import OF_USERS, UnknownScope
from afflux.runtime import Runtime
from afflux.services import grants, guesses, passwords
from afflux.services.consents import with_query
from afflux.store import users
from afflux.web import forms
from afflux.web.pages import Pages, sent_on

AnyRequest = Request[Any, Any, Any]

_COOKIE = "afflux_signin"
#: What a S256 challenge looks like (RFC 7636, section 4.2).
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_WRONG = "The address is unknown or the password is wrong."
_TOO_OFTEN = "That was tried too often. Please wait a minute."


@dataclass(frozen=True, slots=True)
class Wish:
    """What an application sent a browser here for."""

    registration: Registration
    redirect_uri: str
    state: str | None
    scope: tuple[str, ...]
    challenge: str | None

    def back(self, **parameters: str) -> str:
        """The application's address, with this and its state."""
        return with_query(self.redirect_uri, parameters | ({} if self.state is None else {"state": self.state}))


class NotKnown(Exception):
    """The application is not known, or the address is none of its own."""


class Declined(Exception):
    """The wish cannot be fulfilled; the browser goes back with the reason."""

    def __init__(self, location: str) -> None:
        super().__init__("declined")
        self.location = location


async def _wish(request: AnyRequest, runtime: Runtime) -> Wish:
    """What the query asks for. Raises `NotKnown` and `Declined`."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = dict(pairs)
    client_id, redirect_uri = query.get("client_id", ""), query.get("redirect_uri", "")
    known = await registered(runtime, client_id) if client_id and "\0" not in client_id else None
    if known is None or redirect_uri not in known.application.redirect_uris or len(query) < len(pairs):
        raise NotKnown
    wish = Wish(known, redirect_uri, query.get("state"), (), query.get("code_challenge"))
    return _checked(wish, query)


def _checked(wish: Wish, query: dict[str, str]) -> Wish:
    if query.get("response_type") != "code":
        raise Declined(wish.back(error="unsupported_response_type"))
    if wish.challenge is not None:
        right = query.get("code_challenge_method") == "S256" and _CHALLENGE.fullmatch(wish.challenge)
        if not right:
            raise Declined(wish.back(error="invalid_request", error_description="PKCE has to be S256"))
    try:
        scope = scopes.granted(query.get("scope"), OF_USERS)
    except UnknownScope:
        raise Declined(wish.back(error="invalid_scope")) from None
    return Wish(wish.registration, wish.redirect_uri, wish.state, scope, wish.challenge)


@get("/signin", include_in_schema=False)
async def show(request: AnyRequest, runtime: GivenRuntime, pages: GivenPages) -> Response[Any]:
    """The form."""
    try:
        return _form(request, runtime, pages, await _wish(request, runtime))
    except NotKnown:
        return pages.page("refused.html", 400)
    except Declined as declined:
        return sent_on(declined.location)


@post("/signin", status_code=200, include_in_schema=False)
async def sign_in(request: AnyRequest, runtime: GivenRuntime, pages: GivenPages) -> Response[Any]:
    """What was typed: the browser goes on to the application with a code, or sees the form again."""
    try:
        wish = await _wish(request, runtime)
    except NotKnown:
        return pages.page("refused.html", 400)
    except Declined as declined:
        return sent_on(declined.location)
    typed = await forms.typed(request)
    if not forms.is_from_us(request, _COOKIE, typed):
        return _form(request, runtime, pages, wish, "Please try again.")
    email = typed.get("email", "")
    if guesses.too_many(wish.registration.application.id, email, runtime.clock.now()):
        return _form(request, runtime, pages, wish, _TOO_OFTEN, email)
    code = await _code(runtime, wish, email, typed.get("password", ""))
    if code is None:
        return _form(request, runtime, pages, wish, _WRONG, email)
    return sent_on(wish.back(code=code))


async def _code(runtime: Runtime, wish: Wish, email: str, password: str) -> str | None:
    """A code for the person who typed this; None where it is wrong."""
    async with runtime.database.reading() as tx:
        user = None if "\0" in email else await users.by_email(tx, wish.registration.application.id, email)
    if not await passwords.matches(user.password_hash if user else None, password) or user is None:
        return None
    async with runtime.database.transaction() as tx:
        return await grants.give_code(tx, wish.registration, user.id, wish.redirect_uri, wish.scope, wish.challenge)


def _form(
    request: AnyRequest, runtime: Runtime, pages: Pages, wish: Wish, refused: str = "", email: str = ""
) -> Response[str]:
    """The form, which can be sent from this page only."""
    word = forms.word(request, _COOKIE)
    secure = runtime.settings.public_url.startswith("https:")
    return pages.page(
        "signin.html",
        400 if refused else 200,
        {
            "Set-Cookie": forms.set_cookie(_COOKIE, word, "/signin", secure=secure),
            "Content-Security-Policy": forms.policy(wish.redirect_uri),
        },
        application=wish.registration.application.name,
        query=request.scope["query_string"].decode("latin-1"),
        csrf=word,
        email=email,
        refused=refused,
        back=wish.back(error="access_denied"),
    )


HANDLERS = (show, sign_in)
