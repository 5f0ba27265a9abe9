"""Files as only the contract's key opens them (contract: section 5.1)."""

import hashlib
import secrets
from collections.abc import AsyncIterator

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_pem_public_key

#: What every client takes for granted.
OAEP_SHA1 = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)  # noqa: S303
_HEAD, _HASH, _BLOCK = 256 + 16, 64, 16


def size(length: int) -> int:
    """Bytes that a file of this length has then."""
    return _HEAD + ((_HASH + length) // _BLOCK + 1) * _BLOCK


async def measured(data: AsyncIterator[bytes]) -> tuple[int, bytes]:
    """Length and SHA-512 of what `pieces` is then to encrypt: both come before it."""
    length, digest = 0, hashlib.sha512()
    async for piece in data:
        length += len(piece)
        digest.update(piece)
    return length, digest.digest()


async def pieces(public_key: str, digest: bytes, data: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file, encrypted piece by piece with a key and an IV of its own."""
    key, iv = secrets.token_bytes(32), secrets.token_bytes(_BLOCK)
    yield _wrapped(public_key, key) + iv
    encryptor, padder = Cipher(AES256(key), CBC(iv)).encryptor(), PKCS7(_BLOCK * 8).padder()
    yield encryptor.update(padder.update(digest))
    async for piece in data:
        yield encryptor.update(padder.update(piece))
    yield encryptor.update(padder.finalize()) + encryptor.finalize()


def _wrapped(public_key: str, key: bytes) -> bytes:
    loaded = load_pem_public_key(public_key.encode())
    assert isinstance(loaded, RSAPublicKey)  # noqa: S101 - looked at when the contract was registered
    return loaded.encrypt(key, OAEP_SHA1)
