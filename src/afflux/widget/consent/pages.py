"""The page that asks: who wants what, for how long; sign in or go on as somebody new; allow or deny."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency

from afflux.domain.contracts import ContractKind
from afflux.domain.errors import Conflict, NotFound
from afflux.domain.libraries import Visit, VisitKind
from afflux.domain.principal import Principal, Role
from afflux.runtime import Runtime
from afflux.services import consent_visits, guesses, passwords, users
from afflux.store import users as user_store
from afflux.web import forms
from afflux.web.pages import Pages, sent_on
from afflux.widget.consent import going, words
from afflux.widget.consent.visits import AnyRequest, Arrival, Declined, Lost, arrive

GivenRuntime = NamedDependency[Runtime]
GivenPages = NamedDependency[Pages]

_WRONG = "The address is unknown or the password is wrong."
_TOO_OFTEN = "That was tried too often. Please wait a minute."


@get("/authorize", status_code=200)
async def show_consent(request: AnyRequest, runtime: GivenRuntime, pages: GivenPages) -> Response[Any]:
    """What is asked."""
    return await _shown(request, runtime, pages, VisitKind.AUTHORIZE)


@get("/onboard", status_code=200)
async def show_onboarding(request: AnyRequest, runtime: GivenRuntime, pages: GivenPages) -> Response[Any]:
    """The same, for linking a further service."""
    return await _shown(request, runtime, pages, VisitKind.ONBOARD)


async def _shown(request: AnyRequest, runtime: Runtime, pages: Pages, kind: VisitKind) -> Response[Any]:
    try:
        arrival = await arrive(request, runtime, kind)
        if arrival.visit.browser_hash is not None:
            return await going.on(request, runtime, arrival)
        return _page(request, runtime, pages, arrival)
    except Lost:
        return pages.page("lost.html", 400)
    except Declined as declined:
        return sent_on(declined.location)


def _page(
    request: AnyRequest, runtime: Runtime, pages: Pages, arrival: Arrival, refused: str = "", email: str = ""
) -> Response[str]:
    word = forms.word(request, going.COOKIE)
    visit = arrival.visit
    return pages.page(
        "consent.html",
        400 if refused else 200,
        going.headers(runtime, arrival, word),
        application=visit.contract.registration.application.name,
        asks=words.asks(visit),
        reads=words.scope(visit.contract, runtime.registry),
        until=words.how_long(visit.contract, runtime.settings),
        service=words.service(runtime.registry, arrival),
        services=[] if arrival.service is not None else words.services(runtime.registry, visit.contract),
        is_known=visit.user_id is not None,
        writes=visit.contract.kind is ContractKind.WRITE,
        action=f"{visit.kind}?{arrival.query}",
        csrf=word,
        email=email,
        refused=refused,
    )


@post("/authorize", status_code=200)
async def decide_consent(request: AnyRequest, runtime: GivenRuntime, pages: GivenPages) -> Response[Any]:
    """What was decided."""
    return await _decided(request, runtime, pages, VisitKind.AUTHORIZE)


@post("/onboard", status_code=200)
async def decide_onboarding(request: AnyRequest, runtime: GivenRuntime, pages: GivenPages) -> Response[Any]:
    """The same, for linking a further service."""
    return await _decided(request, runtime, pages, VisitKind.ONBOARD)


async def _decided(request: AnyRequest, runtime: Runtime, pages: Pages, kind: VisitKind) -> Response[Any]:
    try:
        arrival = await arrive(request, runtime, kind)
        fields = await forms.typed(request)
        if not forms.is_from_us(request, going.COOKIE, fields):
            return _page(request, runtime, pages, arrival, "Please try again.")
        if arrival.visit.browser_hash is not None:
            return await going.on(request, runtime, arrival)
        return await _follow(request, runtime, pages, arrival, fields)
    except Lost:
        return pages.page("lost.html", 400)
    except (Declined, NotFound, Conflict) as error:
        declined = error if isinstance(error, Declined) else Declined(arrival.callback, "INVALID_CODE")
        return sent_on(declined.location)


async def _follow(
    request: AnyRequest, runtime: Runtime, pages: Pages, arrival: Arrival, fields: dict[str, str]
) -> Response[Any]:
    """Do as the person decided. Raises `Declined`, `NotFound` and `Conflict`."""
    decision = fields.get("decision", "")
    if decision == "deny":
        async with runtime.database.transaction() as tx:
            await consent_visits.give_up(tx, arrival.visit)
        raise Declined(arrival.callback, "USER_CANCEL")
    if decision not in ("allow", "new"):
        return _page(request, runtime, pages, arrival, "Please allow or deny.")
    user_id = arrival.visit.user_id
    if user_id is None and decision == "new":
        user_id = (await users.register(runtime.database, runtime.vault, _application(arrival))).id
    elif user_id is None:
        email = fields.get("email", "")
        if guesses.too_many(_application(arrival).application_id, email, runtime.clock.now()):
            return _page(request, runtime, pages, arrival, _TOO_OFTEN, email)
        user_id = await _signed_in(runtime, arrival, fields)
    if user_id is None:
        return _page(request, runtime, pages, arrival, _WRONG, fields.get("email", ""))
    async with runtime.database.transaction() as tx:
        await consent_visits.settle(tx, arrival.visit, user_id, fields[forms.FIELD])
    return await going.on(request, runtime, arrival.picking(fields.get("service", ""), await _now(runtime, arrival)))


async def _now(runtime: Runtime, arrival: Arrival) -> Visit:
    """The visit as it is by now."""
    async with runtime.database.reading() as tx:
        return await consent_visits.find(tx, arrival.code)


def _application(arrival: Arrival) -> Principal:
    return Principal(arrival.visit.contract.registration.application.id, Role.USER)


async def _signed_in(runtime: Runtime, arrival: Arrival, fields: dict[str, str]) -> UUID | None:
    """Whose address and password these are; None where they are wrong."""
    email = fields.get("email", "")
    async with runtime.database.reading() as tx:
        user = None if "\0" in email else await user_store.by_email(tx, _application(arrival).application_id, email)
    right = await passwords.matches(user.password_hash if user else None, fields.get("password", ""))
    return user.id if user is not None and right else None


HANDLERS = (show_consent, show_onboarding, decide_consent, decide_onboarding)
