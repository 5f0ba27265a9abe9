"""Challenges (contract: section 3.4)."""

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from afflux.domain.challenges import Answer
from afflux.domain.errors import Conflict, NotFound
from afflux.domain.overviews import ConnectionOverview
from afflux.facades.oxlin.auth import by_user
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.errors import missing
from afflux.facades.oxlin.given import GivenPage, GivenPrincipal, GivenRuntime, GivenUser
from afflux.facades.oxlin.routes.connections import connection_of
from afflux.facades.oxlin.scopes import MANAGE_CONNECTIONS, SYNC_CONNECTIONS
from afflux.facades.oxlin.wire.challenges import ChallengeAnswer, ChallengeObject, open_challenge
from afflux.facades.oxlin.wire.values import answer, number_of
from afflux.runtime import Runtime
from afflux.services import challenges
from afflux.store import overviews

_PLACE = "/connections/{connection_id:str}/challenges"


@get(_PLACE, guards=[by_user(MANAGE_CONNECTIONS, SYNC_CONNECTIONS)], responses=problems(404))
async def list_challenges(
    connection_id: FromPath[str], runtime: GivenRuntime, user: GivenUser, piece: GivenPage
) -> Response[list[ChallengeObject]]:
    """What the bank asks the user now: one question at most."""
    async with runtime.database.reading() as tx:
        overview = await overviews.connection(tx, user.application_id, user.id, number_of(connection_id))
    asked = _open(runtime, overview)
    return answer(piece.of([asked] if asked else []))


@post(
    _PLACE + "/{challenge_id:str}",
    status_code=204,
    guards=[by_user(MANAGE_CONNECTIONS)],
    responses=problems(404, 415),
)
async def answer_challenge(
    connection_id: FromPath[str],
    challenge_id: FromPath[str],
    data: JSONBody[ChallengeAnswer],
    runtime: GivenRuntime,
    principal: GivenPrincipal,
    user: GivenUser,
) -> None:
    """Answer; the synchronisation goes on. Whether the answer is right, the bank will say."""
    number = number_of(connection_id)
    given = {typed.key: typed.value for typed in data.credentials}
    async with runtime.database.transaction() as tx:
        overview = await overviews.connection(tx, user.application_id, user.id, number)
        asked = _open(runtime, overview)
        if asked is None or asked.id != challenge_id:
            raise NotFound("there is no such challenge")
        absent = [field.key for field in asked.fields if field.required and not given.get(field.key)]
        if absent:
            raise missing(absent[0])
        connection = await connection_of(tx, user, number)
        try:
            await challenges.answer(tx, runtime.vault, principal, connection, Answer(values=given))
        except Conflict:
            raise NotFound("the challenge is over") from None


def _open(runtime: Runtime, overview: ConnectionOverview) -> ChallengeObject | None:
    return open_challenge(overview.facts.number, overview.sync, runtime.clock.now())


HANDLERS = (list_challenges, answer_challenge)
