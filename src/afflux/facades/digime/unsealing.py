"""What is pushed, as only the postbox's key opens it (contract: sections 3.10 and 5.3)."""

import base64
import re
from decimal import Decimal
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from afflux.facades.digime import errors
from afflux.facades.digime.claims import PushClaims
from afflux.facades.digime.sealing import OAEP_SHA1
from afflux.services.postboxes import Pushed
from afflux.web import strict_json

_MIME = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
#: Bytes of a descriptor: it comes back in a header.
_LONGEST = 4096


def unsealed(key: RSAPrivateKey, claims: PushClaims, name: str, body: bytes) -> Pushed:
    """The file and what is said of it. Raises `Refused` where it was not encrypted for this key."""
    try:
        data_key = key.decrypt(base64.b64decode(claims.symmetrical_key, validate=True), OAEP_SHA1)
        iv = bytes.fromhex(claims.iv)
        described = _plain(data_key, iv, base64.b64decode(claims.metadata, validate=True))
        said = strict_json.decode(described)
        content = _plain(data_key, iv, body)
    except ValueError:
        raise errors.validation("the file cannot be decrypted") from None
    mime = _checked(said)
    descriptor = msgspec.json.encode(_lowered(said))
    if len(descriptor) > _LONGEST:
        raise errors.validation(f"the metadata has more than {_LONGEST} bytes")
    return Pushed(_shown(name), mime, descriptor, content)


def _plain(key: bytes, iv: bytes, data: bytes) -> bytes:
    if len(key) != 32:
        raise ValueError("key")
    decryptor, unpadder = Cipher(AES256(key), CBC(iv)).decryptor(), PKCS7(128).unpadder()
    padded = decryptor.update(data) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def _checked(said: Any) -> str:
    """The media type in a descriptor that has what it has to have."""
    accounts = said.get("accounts") if isinstance(said, dict) else None
    sound = isinstance(accounts, list) and all(
        isinstance(each, dict) and isinstance(each.get("accountId"), str) for each in accounts
    )
    mime = said.get("mimeType") if sound else None
    if not isinstance(mime, str) or not _MIME.fullmatch(mime):
        raise errors.validation("the metadata needs mimeType and accounts")
    return mime


def _lowered(value: Any) -> Any:
    """The value with its keys in lower case, as they are read back."""
    if isinstance(value, list):
        return [_lowered(each) for each in value]
    if isinstance(value, dict):
        return {key.lower(): _lowered(inner) for key, inner in value.items()}
    return float(value) if isinstance(value, Decimal) else value


def _shown(name: str) -> str:
    """The name as it can be kept: one line, no path."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in last)[:255] or "file"
