"""Linking a service on the way: its own form or its own page, its progress, its questions, and its end."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from litestar import Response, get, post
from litestar.di import NamedDependency

from afflux.domain.challenges import Challenge, ChallengeKind
from afflux.domain.errors import SYNC_ERRORS, Conflict, InvalidInput, NotFound
from afflux.domain.syncs import SyncStatus
from afflux.runtime import Runtime
from afflux.services import challenges
from afflux.web import forms
from afflux.web.pages import Pages, sent_on
from afflux.widget.consent import departures, going, links
from afflux.widget.consent.links import Linking
from afflux.widget.consent.visits import AnyRequest, Declined, Lost

GivenRuntime = NamedDependency[Runtime]
GivenPages = NamedDependency[Pages]

#: What a form's fields are called here, so that none of them is taken for one of ours.
_PREFIX = "field_"
#: Challenges that are passed elsewhere: this page only waits.
_ELSEWHERE = (ChallengeKind.DECOUPLED, ChallengeKind.REDIRECT)
_NOT_AGREED = "Nothing was agreed to there."


@get("/link", status_code=200)
async def show_link(request: AnyRequest, runtime: GivenRuntime, pages: GivenPages) -> Response[Any]:
    """How the service can be linked, or how its linking stands."""
    try:
        linking = await links.find(request, runtime)
        return await _shown(request, runtime, pages, linking)
    except Lost:
        return pages.page("lost.html", 400)
    except Declined as declined:
        return sent_on(declined.location)


async def _shown(request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking) -> Response[Any]:
    sync = linking.sync
    if sync is None or sync.status in (SyncStatus.CANCELLED, SyncStatus.FAILED):
        return _start(request, runtime, pages, linking, _why(linking))
    if sync.status is SyncStatus.FINISHED:
        return await going.finish(runtime, linking.arrival)
    if linking.asks:
        return _question(request, runtime, pages, linking)
    return _page(request, runtime, pages, linking, "progress.html", percent=sync.percent or 0)


def _why(linking: Linking) -> str:
    """What went wrong so far, if anything did."""
    if linking.arrival.error:
        return _NOT_AGREED
    code = linking.sync and linking.sync.error_code
    return SYNC_ERRORS[code].text if code else ""


def _start(request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking, refused: str = "") -> Response[str]:
    """The service's form where there is no other way or it was picked, and else the ways there are."""
    status = 400 if refused else 200
    form, page = linking.form, linking.page
    if form is not None and (page is None or linking.arrival.way == "form"):
        return _page(request, runtime, pages, linking, "link.html", status, fields=form.fields, refused=refused)
    # Nothing is typed there, and a bank may send the browser on from host to host.
    leads_to = (urljoin(f"{runtime.settings.public_url}/", (page and page.consent_url) or ""), "https:")
    return _page(request, runtime, pages, linking, "ways.html", status, leads_to, refused=refused)


def _question(
    request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking, refused: str = ""
) -> Response[Any]:
    asked = challenges.open_challenge(linking.sync)
    response = _page(
        request,
        runtime,
        pages,
        linking,
        "question.html",
        400 if refused else 200,
        asked=asked,
        image=_image(asked),
        leaves=asked.kind is ChallengeKind.REDIRECT,
        waits=asked.kind in _ELSEWHERE,
        confirms=asked.kind is ChallengeKind.CONFIRM,
        refused=refused,
    )
    if asked.kind is not ChallengeKind.REDIRECT or linking.connection is None:
        return response
    return departures.remember(response, runtime, linking.connection.id, linking.arrival.query)


def _image(asked: Challenge) -> str | None:
    return None if asked.image is None else f"data:image/png;base64,{base64.b64encode(asked.image).decode()}"


def _page(
    request: AnyRequest,
    runtime: Runtime,
    pages: Pages,
    linking: Linking,
    template: str,
    status: int = 200,
    leads_to: tuple[str, ...] = (),
    **more: Any,
) -> Response[str]:
    word = forms.word(request, going.COOKIE)
    sent = going.headers(runtime, linking.arrival, word, *leads_to)
    sent["Content-Security-Policy"] += "; img-src data:"
    home, here = f"link?{linking.arrival.query}", _here(linking)
    return pages.page(
        template, status, sent, service=linking.provider.name, prefix=_PREFIX, csrf=word, action=here, ways=home,
        has_form=linking.form is not None, has_page=linking.page is not None, **more,
    )  # fmt: skip


def _here(linking: Linking) -> str:
    """The address of the page, to which its forms are sent."""
    way = "&way=form" if linking.arrival.way == "form" else ""
    return f"link?{linking.arrival.query}{way}"


@post("/link", status_code=200)
async def go_on(request: AnyRequest, runtime: GivenRuntime, pages: GivenPages) -> Response[Any]:
    """What was typed or pressed."""
    try:
        linking = await links.find(request, runtime)
        fields = await forms.typed(request)
        if not forms.is_from_us(request, going.COOKIE, fields):
            return await _shown(request, runtime, pages, linking)
        return await _done(request, runtime, pages, linking, fields)
    except Lost:
        return pages.page("lost.html", 400)
    except Declined as declined:
        return sent_on(declined.location)


async def _done(
    request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking, fields: Mapping[str, str]
) -> Response[Any]:
    decision, typed = fields.get("decision", ""), _typed(fields)
    if decision == "cancel":
        raise await links.give_up(runtime, linking)
    try:
        if decision == "visit":
            return await _leave(runtime, linking)
        async with runtime.database.transaction() as tx:
            if decision == "link":
                await links.link(tx, runtime, linking, typed)
            elif decision == "answer":
                await links.answer(tx, runtime, linking, typed)
    except InvalidInput:
        return _again(request, runtime, pages, linking, "Something is missing or malformed.")
    except (Conflict, NotFound):
        pass  # It stands otherwise by now; the page says how.
    return sent_on(f"{going.HOME}/{_here(linking)}")


async def _leave(runtime: Runtime, linking: Linking) -> Response[Any]:
    async with runtime.database.transaction() as tx:
        connection_id, address = await links.leave(tx, runtime, linking)
    return departures.remember(sent_on(address), runtime, connection_id, linking.arrival.query)


def _again(request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking, refused: str) -> Response[Any]:
    if linking.asks:
        return _question(request, runtime, pages, linking, refused)
    return _start(request, runtime, pages, linking, refused)


def _typed(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(_PREFIX): value for name, value in fields.items() if name.startswith(_PREFIX)}


HANDLERS = (show_link, go_on)
