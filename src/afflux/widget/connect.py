"""The page that an application's user is sent to: who asks, for what, and until when."""

from collections.abc import Mapping
from uuid import UUID

from litestar import HttpMethod, Response, route
from litestar.di import NamedDependency
from litestar.params import FromQuery

from afflux.connectors.registry import Registry
from afflux.domain.connect_sessions import Wish
from afflux.runtime import Runtime
from afflux.services import connect_sessions
from afflux.store import connections
from afflux.web.pages import Pages, in_words
from afflux.widget import words


@route("/", http_method=[HttpMethod.GET, HttpMethod.HEAD], status_code=200)
async def show(
    runtime: NamedDependency[Runtime], pages: NamedDependency[Pages], session: FromQuery[str] = ""
) -> Response[str]:
    """The page of one session."""
    async with runtime.database.transaction() as tx:
        opened = await connect_sessions.visited(tx, session)
        linked = await connections.of_user(tx, opened.application_id, opened.user_id)
    asked = _ask(runtime.registry, opened.wish, {each.id: each.name for each in linked})
    return pages.page("session.html", session=opened, ask=asked, until=in_words(opened.expires_at))


def _ask(registry: Registry, wish: Wish, names: Mapping[UUID, str]) -> str:
    provider = None if wish.provider is None else registry.provider(wish.provider).name
    return words.ask(wish, provider, [names[id] for id in wish.connections if id in names])


HANDLERS = (show,)
