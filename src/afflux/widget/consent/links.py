"""A link in the making on the consent pages: what it is about, and what a person can do for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from afflux.domain.catalogue import Auth, Channel, Provider
from afflux.domain.challenges import Answer
from afflux.domain.connections import Connection
from afflux.domain.errors import Conflict, NotFound
from afflux.domain.principal import Principal, Role
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.runtime import Runtime
from afflux.services import challenges, connections, consent_visits, consents, syncs
from afflux.store import connections as connection_store
from afflux.store import consent_visits as visit_store
from afflux.store import syncs as sync_store
from afflux.store import users
from afflux.store.database import Tx
from afflux.widget.consent import departures, going
from afflux.widget.consent.visits import AnyRequest, Arrival, Declined, arrive


@dataclass(frozen=True, slots=True)
class Linking:
    """A browser that consented, the service it links, and how far that is."""

    arrival: Arrival
    user_id: UUID
    provider: Provider
    connection: Connection | None = None
    #: What the connection runs by, so far.
    channel_id: int | None = None
    sync: Sync | None = None

    @property
    def principal(self) -> Principal:
        """On whose wish."""
        return Principal(self.arrival.visit.contract.registration.application.id, Role.USER, self.user_id)

    @property
    def form(self) -> Channel | None:
        """The way by what is typed here."""
        return self._way(Auth.CREDENTIALS)

    @property
    def page(self) -> Channel | None:
        """The way by the service's own page."""
        return self._way(Auth.REDIRECT)

    def _way(self, auth: Auth) -> Channel | None:
        return next((channel for channel in self.provider.channels if channel.auth is auth), None)

    @property
    def asks(self) -> bool:
        """Whether the service asks the person something."""
        return self.sync is not None and challenges.asks(self.sync) and self.sync.challenge is not None


async def find(request: AnyRequest, runtime: Runtime) -> Linking:
    """What is linked. Raises `Lost` and `Declined`, also for another browser than the one that consented."""
    arrival = await arrive(request, runtime)
    visit = arrival.visit
    if not consent_visits.is_by(visit, request.cookies.get(going.COOKIE, "")) or visit.user_id is None:
        raise Declined(arrival.callback, "INVALID_CODE")
    if arrival.service is None:
        raise Declined(arrival.callback, "INITIALIZE_CHECK_FAIL")
    linking = Linking(arrival, visit.user_id, runtime.registry.provider(arrival.service))
    if linking.form is None and linking.page is None:
        raise Declined(arrival.callback, "ONBOARD_ERROR")
    if visit.connection_id is None:
        return linking
    application_id = visit.contract.registration.application.id
    async with runtime.database.reading() as tx:
        connection = await connection_store.by_id(tx, application_id, visit.user_id, visit.connection_id)
        states = await connection_store.channel_states(tx, application_id, connection.id)
        latest = await sync_store.latest(tx, application_id, [connection.id])
    channel_id = states[0].channel_id if states else None
    return Linking(arrival, visit.user_id, linking.provider, connection, channel_id, latest[0] if latest else None)


async def link(tx: Tx, runtime: Runtime, linking: Linking, typed: Mapping[str, str]) -> None:
    """Link the service with its form, or try other credentials, and synchronise it with its user there.

    Raises `Conflict` for a service without a form and one that cannot be linked now, and `InvalidInput`.
    """
    form, principal = linking.form, linking.principal
    if form is None:
        raise Conflict("the service has no form")
    connection = linking.connection
    if connection is not None and linking.channel_id == form.id:
        user = await users.by_id(tx, principal.application_id, linking.user_id)
        connection = await connections.change_credentials(
            tx, runtime.vault, runtime.registry, principal, user, connection, {form.id: typed}
        )
    else:
        connection = await _connect(tx, runtime, linking, form, typed)
    await syncs.request_anew(tx, principal, connection, SyncKind.ACCOUNTS, interactive=True)


async def leave(tx: Tx, runtime: Runtime, linking: Linking) -> tuple[UUID, str]:
    """Link the service by its own page: the connection, and the address to send the person to. What they agree to
    there starts the synchronisation.

    Raises `Conflict` for a service without such a page and one that cannot be linked now.
    """
    page = linking.page
    if page is None:
        raise Conflict("the service has no page")
    connection = linking.connection
    if connection is None or linking.channel_id != page.id:
        connection = await _connect(tx, runtime, linking, page, {})
    settings = runtime.settings
    return connection.id, await consents.ask_on_page(
        tx, runtime.registry, connection, page.id, settings.public_url, departures.page(runtime)
    )


async def _connect(
    tx: Tx, runtime: Runtime, linking: Linking, channel: Channel, typed: Mapping[str, str]
) -> Connection:
    """A new connection by this channel; one that was tried in vain by another goes."""
    principal = linking.principal
    if linking.connection is not None and linking.connection.last_success_at is not None:
        raise Conflict("it is linked")
    if linking.connection is not None:
        await connections.delete(tx, principal, linking.connection)
    user = await users.by_id(tx, principal.application_id, linking.user_id)
    parts = (tx, runtime.vault, runtime.registry, principal, user, linking.provider.id)
    connection = await connections.create(*parts, {channel.id: typed})
    await visit_store.set_connection(tx, principal.application_id, linking.arrival.visit.id, connection.id)
    return connection


async def answer(tx: Tx, runtime: Runtime, linking: Linking, typed: Mapping[str, str]) -> None:
    """Answer what the service asks. Raises `Conflict` where it asks nothing, and `InvalidInput`."""
    if linking.connection is None:
        raise Conflict("nothing is asked")
    await challenges.answer(tx, runtime.vault, linking.principal, linking.connection, Answer(values=typed))


async def give_up(runtime: Runtime, linking: Linking) -> Declined:
    """End the visit; what was linked without success is unlinked. What the application is told."""
    try:
        async with runtime.database.transaction() as tx:
            if linking.connection is not None and linking.connection.last_success_at is None:
                await connections.delete(tx, linking.principal, linking.connection)
            await consent_visits.give_up(tx, linking.arrival.visit)
    except NotFound:
        return Declined(linking.arrival.callback, "INVALID_CODE")
    failed = linking.sync is not None and linking.sync.status is SyncStatus.FAILED
    return Declined(linking.arrival.callback, "ONBOARD_ERROR" if failed else "USER_CANCEL")
