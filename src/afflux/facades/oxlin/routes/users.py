"""Users (contract: section 3.1)."""

from litestar import Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from afflux.domain.errors import Conflict, InvalidInput
from afflux.domain.principal import Principal
from afflux.domain.users import User
from afflux.facades.oxlin.auth import by_client, by_either, by_user
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.errors import Refused, bad
from afflux.facades.oxlin.given import GivenPrincipal, GivenRuntime, GivenUser
from afflux.facades.oxlin.scopes import CREATE_USERS, EDIT_PROFILE, PROFILE
from afflux.facades.oxlin.wire.users import NewUser, UserFields, UserId, UserObject, user_object
from afflux.facades.oxlin.wire.values import answer, number_of
from afflux.runtime import Runtime
from afflux.services import erasure, passwords, users
from afflux.services.users import check_principal
from afflux.store import users as store

_reads = by_user(PROFILE, EDIT_PROFILE)
_edits = by_either(EDIT_PROFILE, CREATE_USERS)


@post("/users", status_code=201, guards=[by_client(CREATE_USERS)], responses=problems(409, 415))
async def create_user(data: JSONBody[NewUser], runtime: GivenRuntime, principal: GivenPrincipal) -> Response[UserId]:
    """Create a user; `Location` says where it is."""
    _check(data)
    try:
        user = await users.register(
            runtime.database,
            runtime.vault,
            principal,
            email=data.email,
            password=data.password,
            profile=data.profile(),
        )
    except Conflict:
        raise _taken() from None
    return answer(UserId(str(user.number)), 201, {"Location": f"/users/{user.number}"})


@get("/users/{user_id:str}", guards=[_reads], responses=problems(404))
async def get_user(
    user_id: FromPath[str], user: GivenUser, runtime: GivenRuntime, principal: GivenPrincipal
) -> Response[UserObject]:
    """The user whose token this is: `me`, or the own id."""
    return answer(user_object(await _named(runtime, principal, user_id)))


@patch("/users/{user_id:str}", status_code=204, guards=[_edits], responses=problems(404, 409, 415))
async def change_user(
    user_id: FromPath[str], data: JSONBody[UserFields], runtime: GivenRuntime, principal: GivenPrincipal
) -> None:
    """Change what is given; an application may change any user of its own."""
    user = await _named(runtime, principal, user_id)
    _check(data)
    try:
        async with runtime.database.transaction() as tx:
            if data.email is not None:
                await users.change_email(tx, principal, user, data.email)
            if profile := data.profile():
                await users.change_profile(tx, principal, user, profile)
    except Conflict:
        raise _taken() from None
    if data.password is not None:
        await users.change_password(runtime.database, principal, user, data.password)


@delete("/users/{user_id:str}", status_code=204, guards=[_edits], responses=problems(404))
async def delete_user(user_id: FromPath[str], runtime: GivenRuntime, principal: GivenPrincipal) -> None:
    """Erase the user with everything; an application may erase any user of its own."""
    user = await _named(runtime, principal, user_id)
    await erasure.erase(runtime, principal, user.id)


@delete("/admin/users/{user_id:str}", status_code=204, guards=[_edits], responses=problems(404))
async def delete_user_as_admin(user_id: FromPath[str], runtime: GivenRuntime, principal: GivenPrincipal) -> None:
    """The same; the path that an older guide shows."""
    user = await _named(runtime, principal, user_id)
    await erasure.erase(runtime, principal, user.id)


async def _named(runtime: Runtime, principal: Principal, user_id: str) -> User:
    """The user that a path names, if the principal may know of it. Raises `NotFound`."""
    async with runtime.database.reading() as tx:
        if user_id == "me" and principal.user_id is not None:
            return await store.by_id(tx, principal.application_id, principal.user_id)
        user = await store.by_number(tx, principal.application_id, number_of(user_id))
    check_principal(principal, user.id)
    return user


def _check(data: UserFields) -> None:
    """Raises `Refused` naming the first member that cannot be."""
    for name in data.wrong():
        raise bad(name)
    if data.password is not None and not 0 < len(data.password) <= passwords.LONGEST:
        raise bad("password")
    try:
        if data.email is not None:
            users.check_email(data.email)
    except InvalidInput:
        raise bad("email") from None


def _taken() -> Refused:
    return Refused(409, "ALREADY_EXISTS", "Another user has this e-mail address")


HANDLERS = (create_user, get_user, change_user, delete_user, delete_user_as_admin)
