"""What the core does for a client's user, without the facade."""

import base64
import json
from uuid import UUID

from afflux.domain.connections import Connection
from afflux.domain.principal import Principal, Role
from afflux.runtime import Runtime
from afflux.store import applications, users
from tests.conftest import Tenant
from tests.facades.iswigo.calling import Client
from tests.jobs import acting


async def tenant_of(runtime: Runtime, client: Client) -> Tenant:
    """The client's application and user."""
    payload = (client.token or "").split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    async with runtime.database.reading() as tx:
        application = await applications.by_name(tx, claims["aud"])
        user = await users.by_id(tx, application.id, UUID(claims["sub"]))
    return Tenant(application, Principal(application.id, Role.APPLICATION), user)


async def link(runtime: Runtime, client: Client, provider: int, login: str = "123456789") -> Connection:
    """A connection of the client's user, without a sync."""
    return await acting.link(runtime, await tenant_of(runtime, client), login, provider=provider)
