"""Users: made, authenticated, listed, changed, deleted (contract: section 5.1)."""

from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody

from afflux.domain.errors import Conflict, Forbidden, InvalidInput
from afflux.domain.principal import Principal
from afflux.domain.users import User
from afflux.facades.iswigo.auth import issue_token, life_of_token, with_token
from afflux.facades.iswigo.documented import problems
from afflux.facades.iswigo.errors import EMAIL_TAKEN, INVALID_GRANT, Refused
from afflux.facades.iswigo.given import GivenApplication, GivenKeyring, GivenPrincipal, GivenRuntime
from afflux.facades.iswigo.ranges import DEFAULT, Range, RangeText, ranged
from afflux.facades.iswigo.requests import JsonRequest
from afflux.facades.iswigo.wire.users import Login, NewEmail, NewPassword, NewUser, Token, UserObject, user_object
from afflux.runtime import Runtime
from afflux.services import erasure, passwords, users
from afflux.store import users as store
from afflux.web.answers import answer


@post(
    "/users",
    status_code=201,
    responses={
        **problems(415),
        409: ResponseSpec(UserObject, description="The user the address belongs to", generate_examples=False),
    },
)
async def create_user(
    data: JSONBody[NewUser], runtime: GivenRuntime, principal: GivenPrincipal
) -> Response[UserObject]:
    """Create a user. For a known e-mail address the answer is 409 with the user it belongs to."""
    email = checked_email(data.email)
    _check_password(data.password)
    # Twice, since whoever has the address may be erased before he is found.
    for _ in range(2):
        try:
            made = await users.register(runtime.database, runtime.vault, principal, email=email, password=data.password)
            return answer(user_object(made), 201)
        except Conflict:
            known = await _called(runtime, principal.application_id, email)
        if known is not None:
            return answer(user_object(known), 409)
    raise Refused(409, EMAIL_TAKEN)


async def _called(runtime: Runtime, application_id: UUID, email: str) -> User | None:
    """The user with this login."""
    async with runtime.database.reading() as tx:
        return await store.by_email(tx, application_id, email)


@post("/authenticate", status_code=200, responses=problems(415))
async def authenticate(
    data: JSONBody[Login], runtime: GivenRuntime, keyring: GivenKeyring, application: GivenApplication
) -> Response[Token]:
    """Exchange e-mail and password for an access token, good for an hour."""
    user = await _called(runtime, application.id, data.email)
    if not await passwords.matches(user.password_hash if user else None, data.password) or user is None:
        raise Refused(400, INVALID_GRANT)
    token = await issue_token(runtime, keyring, application, user)
    # The second that has begun is over for the client.
    left = int(life_of_token(runtime).total_seconds()) - 1
    return answer(Token("Bearer", left, token.value))


@get("/users", responses=problems())
async def list_users(
    request: JsonRequest, runtime: GivenRuntime, application: GivenApplication, range_text: RangeText = DEFAULT
) -> Response[list[UserObject]]:
    """All users of the application, oldest first."""
    window = Range.parse(range_text)
    async with runtime.database.reading() as tx:
        total = await store.count(tx, application.id)
        held = await store.page(tx, application.id, window.first, window.width)
    return ranged(request, "users", window, [user_object(user) for user in held], total, runtime.settings.public_url)


@get("/users/{user_id:uuid}", responses=problems(404))
async def get_user(
    user_id: FromPath[UUID], runtime: GivenRuntime, application: GivenApplication
) -> Response[UserObject]:
    """One user."""
    async with runtime.database.reading() as tx:
        return answer(user_object(await store.by_id(tx, application.id, user_id)))


@put("/users/{user_id:uuid}/email", responses=problems(404, 409, 415))
async def change_email(
    user_id: FromPath[UUID], data: JSONBody[NewEmail], runtime: GivenRuntime, principal: GivenPrincipal
) -> Response[UserObject]:
    """Change what the user logs in with."""
    email = checked_email(data.email)
    user = await _confirmed(runtime, principal, user_id, data.password)
    try:
        async with runtime.database.transaction() as tx:
            changed = await users.change_email(tx, principal, user, email)
    except Conflict:
        raise Refused(409, EMAIL_TAKEN) from None
    return answer(user_object(changed))


@put("/users/{user_id:uuid}/password", responses=problems(404, 415))
async def change_password(
    user_id: FromPath[UUID], data: JSONBody[NewPassword], runtime: GivenRuntime, principal: GivenPrincipal
) -> Response[UserObject]:
    """Change the user's password."""
    _check_password(data.new_password)
    user = await _confirmed(runtime, principal, user_id, data.password)
    await users.change_password(runtime.database, principal, user, data.new_password)
    return answer(user_object(user))


async def _confirmed(runtime: Runtime, principal: Principal, user_id: UUID, password: str) -> User:
    """The user, if that is the current password. Raises `NotFound` and `Refused`."""
    async with runtime.database.reading() as tx:
        user = await store.by_id(tx, principal.application_id, user_id)
    if not await passwords.matches(user.password_hash, password):
        raise Refused(400, "Invalid user password")
    return user


@delete("/users/{user_id:uuid}", status_code=204, guards=[with_token], responses=problems(403))
async def delete_user(
    request: JsonRequest, user_id: FromPath[UUID], runtime: GivenRuntime, principal: GivenPrincipal
) -> None:
    """Erase the user whose token this is, with everything."""
    if user_id != principal.user_id:
        raise Forbidden("Forbidden")
    await erasure.erase(runtime, principal, user_id)
    request.scope["state"]["recent"].forget(user_id)


def checked_email(email: str) -> str:
    """The address, if it looks like one. Raises `Refused`."""
    try:
        return users.check_email(email)
    except InvalidInput:
        raise Refused(400, "Invalid email") from None


def _check_password(password: str) -> None:
    """Raises `Refused` for an empty or overlong password."""
    if not 0 < len(password) <= passwords.LONGEST:
        raise Refused(400, "Invalid password")


HANDLERS = (create_user, authenticate, list_users, get_user, change_email, change_password, delete_user)
