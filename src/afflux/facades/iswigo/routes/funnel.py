"""The funnel: sessions of the connect page (contract: section 5.7)."""

from uuid import UUID

from litestar import Response, delete, post
from litestar.params import FromPath, JSONBody

from afflux.domain.applications import Facade
from afflux.facades.iswigo.auth import with_token
from afflux.facades.iswigo.documented import problems
from afflux.facades.iswigo.given import GivenPrincipal, GivenRuntime, GivenUser
from afflux.facades.iswigo.wire.funnel import NewSession, Session, wish
from afflux.services import connect_sessions
from afflux.web.answers import answer


@post("/funnel", status_code=201, guards=[with_token], responses=problems(404, 415))
async def create_session(
    data: JSONBody[NewSession], runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser
) -> Response[Session]:
    """Open a page on which the user can do what the application asks for, for an hour."""
    wanted = wish(data)
    async with runtime.database.transaction() as tx:
        token = await connect_sessions.create(tx, runtime.registry, principal, user.id, Facade.ISWIGO, wanted)
    return answer(Session(token, f"{runtime.settings.public_url}/widget/?session={token}"), 201)


@delete("/funnel/{session_id:uuid}", status_code=204, guards=[with_token], responses=problems(404))
async def delete_session(
    session_id: FromPath[UUID], runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser
) -> None:
    """Close the page."""
    async with runtime.database.transaction() as tx:
        await connect_sessions.close(tx, principal, user.id, str(session_id))


HANDLERS = (create_session, delete_session)
