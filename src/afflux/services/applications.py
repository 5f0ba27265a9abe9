"""Applications: made by an operator, with what each facade needs to know them."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from afflux.domain.applications import Application, Facade
from afflux.domain.errors import Conflict, InvalidInput
from afflux.services import places
from afflux.store import applications as store
from afflux.store.database import Tx
from afflux.store.vault import Vault

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an application presents itself with. Shown once."""

    #: Iswigo: the value of `X-Iswigo-App`, and the secret of its signature.
    iswigo_app: str
    iswigo_secret: str
    #: Oxlin: OAuth client.
    oxlin_client_id: str
    oxlin_client_secret: str


async def create(
    tx: Tx, vault: Vault, name: str, *, psd2: bool = False, redirect_uris: Sequence[str] = ()
) -> tuple[Application, Credentials]:
    """Make an application, registered with Iswigo and Oxlin.

    Raises `InvalidInput` for a name that is not 1 to 64 letters, digits, `.`, `_` or `-`, and `Conflict` for one that
    is taken.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput("a name has 1 to 64 letters, digits, dots, dashes or underscores")
    application = await store.insert(tx, uuid4(), name, psd2, redirect_uris)
    if application is None:
        raise Conflict(f"application {name!r} exists already")
    credentials = Credentials(name, secrets.token_urlsafe(32), secrets.token_hex(16), secrets.token_urlsafe(32))
    await _register_iswigo(tx, vault, application, credentials)
    await _register_oxlin(tx, application, credentials)
    return application, credentials


async def _register_iswigo(tx: Tx, vault: Vault, application: Application, credentials: Credentials) -> None:
    registration_id = uuid4()
    place = places.application_secret(application.id, registration_id)
    sealed = vault.root.seal(place, credentials.iswigo_secret.encode())
    taken = not await store.register(
        tx, registration_id, application.id, Facade.ISWIGO, credentials.iswigo_app, secret_sealed=sealed
    )
    if taken:
        raise Conflict(f"Iswigo application {credentials.iswigo_app!r} exists already")


async def _register_oxlin(tx: Tx, application: Application, credentials: Credentials) -> None:
    digest = hashlib.sha256(credentials.oxlin_client_secret.encode()).digest()
    await store.register(tx, uuid4(), application.id, Facade.OXLIN, credentials.oxlin_client_id, secret_hash=digest)
