"""Somebody who reads accounts through the Iswigo facade."""

import hashlib
from dataclasses import dataclass
from uuid import UUID, uuid4

from afflux.domain.principal import Principal, Role
from afflux.facades.iswigo.auth import issue_token
from afflux.runtime import Runtime
from afflux.services import applications, users
from afflux.services.keyring import Keyring
from benchmarks.cast import Tenant


@dataclass(frozen=True, slots=True)
class Reader:
    """A user with a token, and the application that signs."""

    tenant: Tenant
    app: str
    secret: str
    token: str

    def request(self, account_id: UUID, first: int, width: int) -> bytes:
        """What travels to ask for a page of an account."""
        target = f"/v1/bank/accounts/{account_id}/transactions?range={first}-{first + width - 1}"
        signature = hashlib.sha256(f"{self.secret}+get+{target}+".encode()).hexdigest()
        return (
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Iswigo-App: {self.app}\r\n"
            f"X-Iswigo-Signature: $5${signature}\r\nAuthorization: Bearer {self.token}\r\n\r\n"
        ).encode()


async def make_reader(runtime: Runtime) -> Reader:
    """A new application with one user, whose token holds for an hour."""
    name = f"reader-{uuid4().hex[:8]}"
    async with runtime.database.transaction() as tx:
        application, credentials = await applications.create(tx, runtime.vault, name)
    principal = Principal(application.id, Role.OPERATOR)
    user = await users.register(runtime.database, runtime.vault, principal, email=f"{name}@example.org")
    token = await issue_token(runtime, Keyring(runtime.database, runtime.vault), application, user)
    return Reader(Tenant(principal, user), credentials.iswigo_app, credentials.iswigo_secret, token.value)
