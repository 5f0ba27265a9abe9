"""Deleting a library (contract: section 3.11)."""

from litestar import delete

from afflux.domain.errors import NotFound
from afflux.domain.principal import Principal, Role
from afflux.facades.digime import errors
from afflux.facades.digime.access import user_of
from afflux.facades.digime.claims import AccessClaims
from afflux.facades.digime.documented import problems
from afflux.facades.digime.given import GivenRuntime
from afflux.facades.digime.requests import AnyRequest, asked
from afflux.services import erasure, library_access


@delete("/user", status_code=204, responses=problems(401, 429))
async def delete_user(request: AnyRequest, runtime: GivenRuntime) -> None:
    """Erase the library with everything, for every contract. This cannot be undone, and is on record."""
    given = await asked(request, runtime, AccessClaims)
    async with runtime.database.reading() as tx:
        user_id = user_of(await library_access.look(tx, given.contract, given.claims.access_token))
    principal = Principal(given.contract.registration.application.id, Role.USER, user_id)
    try:
        await erasure.erase(runtime, principal, user_id, reason="DELETE user")
    except NotFound:
        raise errors.invalid_token("access_token") from None


HANDLERS = (delete_user,)
