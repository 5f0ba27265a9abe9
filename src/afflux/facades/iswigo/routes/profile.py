"""The user's own profile, and the proof of an e-mail address (contract: sections 5.2 and 11.2)."""

from typing import Literal

from litestar import Response, get, post, put
from litestar.params import JSONBody
from msgspec import UNSET

from afflux.facades.iswigo.auth import with_psd2, with_token
from afflux.facades.iswigo.documented import problems
from afflux.facades.iswigo.errors import Refused
from afflux.facades.iswigo.given import GivenApplication, GivenPrincipal, GivenRuntime, GivenUser
from afflux.facades.iswigo.routes.users import checked_email
from afflux.facades.iswigo.wire import users as wire
from afflux.facades.iswigo.wire.users import GivenToken, NewProfile, Profile, ValidationObject
from afflux.services import users, validations
from afflux.services.validations import Proof
from afflux.web.answers import answer

_REFUSALS = {Proof.WRONG: "Invalid token", Proof.EXPIRED: "Token expired"}


@get("/profile", guards=[with_token], responses=problems())
async def get_profile(runtime: GivenRuntime, user: GivenUser) -> Response[Profile]:
    """The profile of the token's user."""
    return answer(wire.profile(user, runtime.settings.iswigo_terms))


@put("/profile", guards=[with_token], responses=problems(415))
async def change_profile(
    data: JSONBody[NewProfile], runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser
) -> Response[Profile]:
    """Change the profile. A new e-mail address is sent a code that proves it."""
    email = None if data.email is UNSET else checked_email(data.email)
    async with runtime.database.transaction() as tx:
        user = await users.change_profile(tx, principal, user, wire.changes(data))
        if email is not None:
            await validations.request(tx, runtime.vault, user, email)
    return answer(wire.profile(user, runtime.settings.iswigo_terms))


@get("/profile/validation", guards=[with_token], responses=problems())
async def get_validation(
    runtime: GivenRuntime, application: GivenApplication, user: GivenUser
) -> Response[ValidationObject]:
    """How far the validation of the address is. A code that is over is replaced, and mailed again."""
    validation = await validations.current(runtime.database, runtime.vault, user)
    return answer(wire.validation_object(validation, psd2=application.psd2))


@post("/profile/validation", status_code=200, guards=[with_token, with_psd2], responses=problems(403, 415))
async def validate(data: JSONBody[GivenToken], runtime: GivenRuntime, user: GivenUser) -> Response[Literal[True]]:
    """Hand in the code from the letter."""
    async with runtime.database.transaction() as tx:
        proof = await validations.prove(tx, runtime.vault, user, data.token)
    if proof is not Proof.RIGHT:
        raise Refused(400, _REFUSALS[proof])
    return answer(True)


HANDLERS = (get_profile, change_profile, get_validation, validate)
