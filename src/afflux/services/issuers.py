"""Issuers: applications as Thales D1 knows them, by public keys that assertions are signed for."""

import re
from uuid import uuid4

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from afflux.domain.applications import Application, Facade
from afflux.domain.errors import Conflict, InvalidInput
from afflux.store import applications as store
from afflux.store.database import Tx

_ISSUER_ID = re.compile(r"[A-Za-z0-9_-]{10}")


async def register(tx: Tx, application: Application, issuer_id: str, key_id: str, public_key: bytes) -> None:
    """Make the application known as an issuer. One that is known already gets one more key, or another one of this id.

    Raises `InvalidInput` for a malformed id or a PEM file without a public key on the curve P-256, and `Conflict` for
    an issuer id of another application.
    """
    if not _ISSUER_ID.fullmatch(issuer_id):
        raise InvalidInput("an issuer id has 10 letters, digits, underscores or dashes")
    if not 0 < len(key_id) <= 256 or not key_id.isprintable():
        raise InvalidInput("a key id has 1 to 256 printable characters")
    keys = {key_id: _pem(public_key)}
    if await store.register(tx, uuid4(), application.id, Facade.D1, issuer_id, settings={"keys": keys}):
        return
    known = await store.registration(tx, Facade.D1, issuer_id)
    if known is None or known.application.id != application.id:
        raise Conflict(f"issuer {issuer_id!r} exists already")
    await store.set_settings(tx, known, {**known.settings, "keys": known.settings["keys"] | keys})


def _pem(given: bytes) -> str:
    try:
        key = load_pem_public_key(given)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidInput("the file has no public key in PEM") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise InvalidInput("the key is not on the curve P-256, which ES256 needs")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
