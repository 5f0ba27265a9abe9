"""Files as only the contract's key opens them (contract: section 5.1)."""

import hashlib
import secrets
from collections.abc import Iterator

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
#: Bytes encrypted at a time.
_PIECE = 64 * 1024


def size(length: int) -> int:
    """Bytes that a file of this length has then."""
    return _HEAD + ((_HASH + length) // _BLOCK + 1) * _BLOCK


def pieces(public_key: str, data: bytes) -> Iterator[bytes]:
    """The file, encrypted piece by piece with a key and an IV of its own."""
    key, iv = secrets.token_bytes(32), secrets.token_bytes(_BLOCK)
    yield _wrapped(public_key, key) + iv
    encryptor, padder = Cipher(AES256(key), CBC(iv)).encryptor(), PKCS7(_BLOCK * 8).padder()
    yield encryptor.update(padder.update(hashlib.sha512(data).digest()))
    view = memoryview(data)
    for first in range(0, len(data), _PIECE):
        yield encryptor.update(padder.update(view[first : first + _PIECE]))
    yield encryptor.update(padder.finalize()) + encryptor.finalize()


def _wrapped(public_key: str, key: bytes) -> bytes:
    loaded = load_pem_public_key(public_key.encode())
    assert isinstance(loaded, RSAPublicKey)  # noqa: S101 - looked at when the contract was registered
    return loaded.encrypt(key, OAEP_SHA1)
