"""Linking a service on the way: its own form, its progress, its questions, and its end."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency

from afflux.domain.catalogue import Auth, Channel, Provider
from afflux.domain.challenges import Answer, Challenge, ChallengeKind
from afflux.domain.connections import Connection
from afflux.domain.errors import SYNC_ERRORS, Conflict, InvalidInput, NotFound
from afflux.domain.principal import Principal, Role
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.runtime import Runtime
from afflux.services import challenges, connections, consent_visits, syncs
from afflux.store import connections as connection_store
from afflux.store import consent_visits as visit_store
from afflux.store import syncs as sync_store
from afflux.store import users
from afflux.store.database import Tx
from afflux.web import forms
from afflux.web.pages import Pages
from afflux.widget.consent import going
from afflux.widget.consent.visits import AnyRequest, Arrival, Declined, Lost, arrive

GivenRuntime = NamedDependency[Runtime]
GivenPages = NamedDependency[Pages]

#: What a form's fields are called here, so that none of them is taken for one of ours.
_PREFIX = "field_"


@dataclass(frozen=True, slots=True)
class Linking:
    """A browser that consented, the service it links, and how far that is."""

    arrival: Arrival
    user_id: UUID
    provider: Provider
    channel: Channel
    connection: Connection | None = None
    sync: Sync | None = None

    @property
    def principal(self) -> Principal:
        """On whose wish."""
        return Principal(self.arrival.visit.contract.registration.application.id, Role.USER, self.user_id)


@get("/link", status_code=200)
async def show_link(request: AnyRequest, runtime: GivenRuntime, pages: GivenPages) -> Response[Any]:
    """The form of the service, or how its linking stands."""
    try:
        linking = await _linking(request, runtime)
        return await _shown(request, runtime, pages, linking)
    except Lost:
        return pages.page("lost.html", 400)
    except Declined as declined:
        return going.to(declined.location)


async def _linking(request: AnyRequest, runtime: Runtime) -> Linking:
    """What is linked. Raises `Lost` and `Declined`, also for another browser than the one that consented."""
    arrival = await arrive(request, runtime)
    visit = arrival.visit
    if not consent_visits.is_by(visit, request.cookies.get(going.COOKIE, "")) or visit.user_id is None:
        raise Declined(arrival.callback, "INVALID_CODE")
    if arrival.service is None:
        raise Declined(arrival.callback, "INITIALIZE_CHECK_FAIL")
    provider = runtime.registry.provider(arrival.service)
    channel = next((each for each in provider.channels if each.auth is Auth.CREDENTIALS), None)
    if channel is None:
        raise Declined(arrival.callback, "ONBOARD_ERROR")
    if visit.connection_id is None:
        return Linking(arrival, visit.user_id, provider, channel)
    application_id = visit.contract.registration.application.id
    async with runtime.database.reading() as tx:
        connection = await connection_store.by_id(tx, application_id, visit.user_id, visit.connection_id)
        latest = await sync_store.latest(tx, application_id, [connection.id])
    return Linking(arrival, visit.user_id, provider, channel, connection, latest[0] if latest else None)


async def _shown(request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking) -> Response[Any]:
    sync = linking.sync
    if sync is None or sync.status is SyncStatus.CANCELLED:
        return _form(request, runtime, pages, linking)
    if sync.status is SyncStatus.FINISHED:
        return await going.finish(runtime, linking.arrival)
    if sync.status is SyncStatus.FAILED:
        text = SYNC_ERRORS[sync.error_code].text if sync.error_code else ""
        return _form(request, runtime, pages, linking, text)
    if challenges.asks(sync) and sync.challenge is not None:
        return _question(request, runtime, pages, linking, challenges.open_challenge(sync))
    return _page(request, runtime, pages, linking, "progress.html", percent=sync.percent or 0)


def _form(request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking, refused: str = "") -> Response[str]:
    fields = linking.channel.fields
    return _page(request, runtime, pages, linking, "link.html", 400 if refused else 200, fields=fields, refused=refused)


def _question(
    request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking, asked: Challenge, refused: str = ""
) -> Response[str]:
    image = None if asked.image is None else f"data:image/png;base64,{base64.b64encode(asked.image).decode()}"
    return _page(
        request,
        runtime,
        pages,
        linking,
        "question.html",
        400 if refused else 200,
        asked=asked,
        image=image,
        waits=asked.kind is ChallengeKind.DECOUPLED,
        confirms=asked.kind is ChallengeKind.CONFIRM,
        refused=refused,
    )


def _page(
    request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking, template: str, status: int = 200, **more: Any
) -> Response[str]:
    word = forms.word(request, going.COOKIE)
    sent = going.headers(runtime, linking.arrival, word)
    sent["Content-Security-Policy"] += "; img-src data:"
    return pages.page(
        template, status, sent, service=linking.provider.name, prefix=_PREFIX, csrf=word,
        action=f"link?{linking.arrival.query}", **more,
    )  # fmt: skip


@post("/link", status_code=200)
async def go_on(request: AnyRequest, runtime: GivenRuntime, pages: GivenPages) -> Response[Any]:
    """What was typed or pressed."""
    try:
        linking = await _linking(request, runtime)
        fields = await forms.typed(request)
        if not forms.is_from_us(request, going.COOKIE, fields):
            return await _shown(request, runtime, pages, linking)
        return await _done(request, runtime, pages, linking, fields)
    except Lost:
        return pages.page("lost.html", 400)
    except Declined as declined:
        return going.to(declined.location)


async def _done(
    request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking, fields: Mapping[str, str]
) -> Response[Any]:
    decision, typed = fields.get("decision", ""), _typed(fields)
    if decision == "cancel":
        await _give_up(runtime, linking)
    try:
        async with runtime.database.transaction() as tx:
            if decision == "link":
                await _link(tx, runtime, linking, typed)
            elif decision == "answer" and linking.connection is not None:
                await challenges.answer(tx, runtime.vault, linking.principal, linking.connection, Answer(values=typed))
    except InvalidInput:
        return _again(request, runtime, pages, linking, "Something is missing or malformed.")
    except (Conflict, NotFound):
        pass  # It stands otherwise by now; the page says how.
    return going.to(f"{going.HOME}/link?{linking.arrival.query}")


def _again(request: AnyRequest, runtime: Runtime, pages: Pages, linking: Linking, refused: str) -> Response[str]:
    if linking.sync is not None and linking.sync.status.active and challenges.asks(linking.sync):
        return _question(request, runtime, pages, linking, challenges.open_challenge(linking.sync), refused)
    return _form(request, runtime, pages, linking, refused)


def _typed(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(_PREFIX): value for name, value in fields.items() if name.startswith(_PREFIX)}


async def _link(tx: Tx, runtime: Runtime, linking: Linking, typed: Mapping[str, str]) -> None:
    """Link the service, or try other credentials, and synchronise it with its user there."""
    principal, by_channel = linking.principal, {linking.channel.id: typed}
    user = await users.by_id(tx, principal.application_id, linking.user_id)
    parts = (tx, runtime.vault, runtime.registry, principal, user)
    if linking.connection is None:
        connection = await connections.create(*parts, linking.provider.id, by_channel)
        await visit_store.set_connection(tx, principal.application_id, linking.arrival.visit.id, connection.id)
    else:
        connection = await connections.change_credentials(*parts, linking.connection, by_channel)
    await syncs.request_anew(tx, principal, connection, SyncKind.ACCOUNTS, interactive=True)


async def _give_up(runtime: Runtime, linking: Linking) -> None:
    """End the visit; what was linked without success is unlinked. Raises `Declined`."""
    try:
        async with runtime.database.transaction() as tx:
            if linking.connection is not None and linking.connection.last_success_at is None:
                await connections.delete(tx, linking.principal, linking.connection)
            await consent_visits.give_up(tx, linking.arrival.visit)
    except NotFound:
        raise Declined(linking.arrival.callback, "INVALID_CODE") from None
    failed = linking.sync is not None and linking.sync.status is SyncStatus.FAILED
    raise Declined(linking.arrival.callback, "ONBOARD_ERROR" if failed else "USER_CANCEL")


HANDLERS = (show_link, go_on)
