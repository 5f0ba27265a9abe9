"""Sealed secrets: envelope encryption with one data key for each user.

A user's data key is random, wrapped by the root key and kept with the user; it seals what belongs to the user.
Destroying it makes every sealed value of the user unreadable, wherever a copy of it may lie. AES-256-GCM with a
random 96-bit nonce; the associated data is the place of the value, so that a sealed value moved to another row does
not open.
"""

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM

from afflux.domain.errors import DecryptionFailed
from afflux.domain.users import User

_NONCE, _TAG = 12, 16
_KEY = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives; it opens nowhere else."""

    table: str
    column: str
    #: The row's identifier.
    row: str
    application_id: UUID

    def associated_data(self, key_id: str) -> bytes:
        """What is authenticated with the value."""
        return "\x1f".join((self.table, self.column, self.row, str(self.application_id), key_id)).encode()


class Sealer:
    """Seals and opens values with one key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY:
            raise DecryptionFailed("a key must have 32 bytes")
        self._key = key
        self._cipher = AESGCM(key)
        #: Tells keys apart without giving anything of them away.
        self.key_id = hashlib.sha256(b"afflux key id" + key).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Sealer({self.key_id})"

    def seal(self, place: Place, plain: bytes) -> bytes:
        """The sealed form of `plain`, good for this place only."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, place.associated_data(self.key_id))

    def open(self, place: Place, sealed: bytes) -> bytes:
        """What was sealed. Raises `DecryptionFailed` for another key, another place or a changed value."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place.associated_data(self.key_id))
        except InvalidTag:
            raise _unopened(place) from None

    async def open_pieces(self, place: Place, sealed: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """What was sealed, piece by piece; it is not proven to be that before the last piece has come. Of the sealed
        pieces each but the last is longer than nonce and tag. Raises as `open` does.
        """
        first = await anext(sealed)
        decryptor = Cipher(AES256(self._key), GCM(first[:_NONCE])).decryptor()
        decryptor.authenticate_additional_data(place.associated_data(self.key_id))
        held = first[_NONCE:]
        async for piece in sealed:
            yield decryptor.update(held[:-_TAG])
            held = held[-_TAG:] + piece
        yield decryptor.update(held[:-_TAG])
        try:
            decryptor.finalize_with_tag(held[-_TAG:])
        except (InvalidTag, ValueError):
            raise _unopened(place) from None


def _unopened(place: Place) -> DecryptionFailed:
    return DecryptionFailed(f"{place.table}.{place.column} does not open with this key")


class Vault:
    """The root key: wraps the users' data keys and seals what belongs to applications."""

    def __init__(self, root_key: bytes) -> None:
        self.root = Sealer(root_key)
        #: What authenticates records of acts on users.
        self.audit_key = hmac.digest(root_key, b"afflux audit", "sha256")
        self._pseudonym_key = hmac.digest(root_key, b"afflux pseudonyms", "sha256")

    def pseudonym(self, application_id: UUID, id: str) -> bytes:
        """What stands for an id of the application's own: the same each time, and nothing to anyone without the root
        key.
        """
        return hmac.digest(self._pseudonym_key, application_id.bytes + id.encode(), "sha256")

    @staticmethod
    def _place(application_id: UUID, user_id: UUID) -> Place:
        return Place("users", "data_key", str(user_id), application_id)

    def new_user_key(self, application_id: UUID, user_id: UUID) -> bytes:
        """A fresh data key, wrapped, to be kept with the user."""
        return self.root.seal(self._place(application_id, user_id), secrets.token_bytes(_KEY))

    def of(self, user: User) -> Sealer:
        """The sealer of one user."""
        return Sealer(self.root.open(self._place(user.application_id, user.id), user.data_key))
