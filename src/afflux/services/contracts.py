"""Contracts: applications as digi.me knows them, each by an RSA key that its requests are signed for."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from afflux.domain.applications import Application, Facade, Registration
from afflux.domain.contracts import Contract, ContractKind
from afflux.domain.errors import Conflict, InvalidInput
from afflux.domain.scopes import Scope
from afflux.services import session_options
from afflux.store import applications as store
from afflux.store.database import Tx

_ID = re.compile(r"[A-Za-z0-9]{1,64}")
#: Bits. Clients take the first 256 bytes of a file for the key that it is encrypted with.
_BITS = 2048


async def register(
    tx: Tx,
    application: Application,
    application_id: str,
    contract_id: str,
    kind: ContractKind,
    public_key: bytes,
    redirect_uris: Sequence[str],
    scope: Mapping[str, Any] | None = None,
) -> str:
    """Make a contract of the application known; the client id that its requests carry.

    `scope` is written as in requests (contract: section 3.1). Raises `InvalidInput` for ids that are no letters and
    digits, a key that is not RSA of 2048 bits, and addresses nobody can be sent to; `Conflict` for a client id that
    is taken.
    """
    if not _ID.fullmatch(application_id) or not _ID.fullmatch(contract_id):
        raise InvalidInput("an application id and a contract id have 1 to 64 letters and digits")
    if not redirect_uris:
        raise InvalidInput("a contract needs a redirect URI")
    session_options.scope_of(scope or {}, tx.now)
    settings = {"kind": kind, "redirect_uris": [_address(each) for each in redirect_uris], "scope": scope or {}}
    client_id = f"{application_id}_{contract_id}"
    registered = await store.register(
        tx, uuid4(), application.id, Facade.DIGIME, client_id, public_key=_pem(public_key), settings=settings
    )
    if not registered:
        raise Conflict(f"contract {client_id!r} exists already")
    return client_id


async def find(tx: Tx, client_id: str) -> Contract | None:
    """The contract that a client id names."""
    return contract_of(await store.registration(tx, Facade.DIGIME, client_id), tx)


async def by_id(tx: Tx, contract_id: str) -> Contract | None:
    """The contract that is known by the second half of its client id."""
    return contract_of(await store.registration_ending(tx, Facade.DIGIME, f"_{contract_id}"), tx)


def contract_of(registration: Registration | None, tx: Tx) -> Contract | None:
    """The registration as a contract; times in its scope are counted from now."""
    if registration is None:
        return None
    settings = registration.settings
    scope: Scope = session_options.scope_of(settings["scope"], tx.now)
    kind, once = ContractKind(settings["kind"]), bool(settings["scope"].get("once"))
    return Contract(registration, kind, settings["redirect_uris"], scope, once)


def _address(uri: str) -> str:
    """The address, if a browser can be sent there: the web, or an app's own scheme."""
    parts = urlsplit(uri)
    sound = uri.isascii() and uri.isprintable() and " " not in uri and not parts.fragment
    if not sound or not parts.scheme or parts.scheme in ("javascript", "data", "vbscript", "file"):
        raise InvalidInput(f"{uri!r} is no address to send a browser to")
    if parts.scheme in ("http", "https") and not parts.hostname:
        raise InvalidInput(f"{uri!r} is no address to send a browser to")
    return uri


def _pem(given: bytes) -> str:
    try:
        key = load_pem_public_key(given)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidInput("the file has no public key in PEM") from None
    if not isinstance(key, RSAPublicKey) or key.key_size != _BITS:
        raise InvalidInput(f"the key is not an RSA key of {_BITS} bits")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
