"""The user whom a client acts for, with something to be read."""

from afflux.domain.applications import Facade
from afflux.domain.principal import Principal, Role
from afflux.runtime import Runtime
from afflux.store import applications, users
from tests.conftest import Tenant
from tests.facades.iswigo.calling import HECTOR, Client
from tests.services.shelves import Shelf, shelf_for


async def tenant_of(runtime: Runtime, client: Client, email: str = HECTOR["email"]) -> Tenant:
    """The client's application and its user with this e-mail address."""
    async with runtime.database.reading() as tx:
        registration = await applications.registration(tx, Facade.ISWIGO, client.app)
        assert registration is not None
        user = await users.by_email(tx, registration.application.id, email)
    assert user is not None
    principal = Principal(registration.application.id, Role.USER, user.id)
    return Tenant(registration.application, principal, user)


async def shelf_of(runtime: Runtime, client: Client) -> Shelf:
    """A new connection of the user who is called Hector."""
    return await shelf_for(runtime, await tenant_of(runtime, client))
