"""The widget: screens of ours for the user, opened by an application (contract: section 3.8)."""

from typing import Any, Literal

from litestar import Request, Response, get, post
from litestar.params import FromQuery

from afflux.domain.applications import Facade
from afflux.domain.connect_sessions import ConnectAction, ProviderType, Wish
from afflux.domain.errors import NotFound
from afflux.domain.principal import Principal, Role
from afflux.domain.users import User
from afflux.facades.oxlin.auth import user_of_token
from afflux.facades.oxlin.clients import asked, client_of
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.given import GivenKeyring, GivenPages, GivenRuntime
from afflux.facades.oxlin.scopes import MANAGE_CONNECTIONS
from afflux.facades.oxlin.wire.values import answer
from afflux.facades.oxlin.wire.widget import WidgetSession, widget_session
from afflux.runtime import Runtime
from afflux.services import connect_sessions
from afflux.services.keyring import Keyring
from afflux.web.pages import in_words

Flag = Literal["true", "false"]

#: What the user is asked to do on each screen, as it follows “asks you to”.
_SCREENS = {
    "add_connection": "link a bank",
    "edit_credentials": "update how you log in to your bank",
    "user_input": "answer what your bank asks",
    "manage_accounts": "choose the accounts that it may see",
    "professional-account": "link a professional account",
    "terms": "read the terms of this service",
}
#: A session opens any of the screens; the one that it is made for is the first.
_WISH = Wish(action=ConnectAction.CREATE, type=ProviderType.BANK)


async def create_session(
    request: Request[Any, Any, Any],
    runtime: GivenRuntime,
    keyring: GivenKeyring,
    captive_mode: FromQuery[Flag] = "true",
) -> Response[WidgetSession]:
    """Open screens on which the user can do what a bank wants of him, for an hour."""
    user = await _user(request, runtime, keyring)
    principal = Principal(user.application_id, Role.USER, user.id)
    async with runtime.database.transaction() as tx:
        token = await connect_sessions.create(tx, runtime.registry, principal, user.id, Facade.OXLIN, _WISH)
    base = f"{runtime.settings.public_url}/v2.1"
    return answer(widget_session(token, base, captive=captive_mode == "true"), headers={"Cache-Control": "no-store"})


async def _user(request: Request[Any, Any, Any], runtime: Runtime, keyring: Keyring) -> User:
    """Whom the screens are for: the application names him by his token. Raises `Refused`."""
    given = await asked(request)
    registration = await client_of(request, runtime, given)
    return await user_of_token(runtime, keyring, registration, given.required("access_token"), MANAGE_CONNECTIONS)


@get([f"/widget/{screen}" for screen in _SCREENS], include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], runtime: GivenRuntime, pages: GivenPages, session_id: FromQuery[str] = ""
) -> Response[str]:
    """One screen of a session."""
    try:
        async with runtime.database.transaction() as tx:
            session = await connect_sessions.visited(tx, session_id)
    except NotFound:
        return pages.page("closed.html", 404)
    ask = _SCREENS[request.url.path.rpartition("/")[2]]
    return pages.page("session.html", session=session, ask=ask, until=in_words(session.expires_at))


HANDLERS = (
    post("/widget/widget_session", status_code=200, responses=problems(415))(create_session),
    # The same; the path that some guides show.
    post("/widget_session", status_code=200, include_in_schema=False)(create_session),
    show,
)
