"""Opening files as clients do."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import brotli
import httpx
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.padding import PKCS7

from tests.facades.digime.calling import Consumer

_UNPACKED: Mapping[str | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "gzip": gzip.decompress,
    "brotli": brotli.decompress,
}
_OAEP = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)


def metadata_of(response: httpx.Response) -> dict[str, Any]:
    """The header `X-Metadata`."""
    text = response.headers["x-metadata"]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return value


def opened(consumer: Consumer, response: httpx.Response) -> bytes:
    """The plain bytes of a file."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/octet-stream"
    body = response.content
    assert len(body) == int(response.headers["content-length"])
    assert len(body) >= 352
    assert len(body) % 16 == 0
    key = consumer.key.private_key.decrypt(body[:256], _OAEP)
    decryptor, unpadder = Cipher(AES256(key), CBC(body[256:272])).decryptor(), PKCS7(128).unpadder()
    plain = unpadder.update(decryptor.update(body[272:]) + decryptor.finalize()) + unpadder.finalize()
    digest, data = plain[:64], plain[64:]
    assert digest == hashlib.sha512(data).digest()
    said = metadata_of(response)
    assert said.get("size") == (len(data) if "metadata" in said else None)
    return _UNPACKED[metadata_of(response).get("compression")](data)
