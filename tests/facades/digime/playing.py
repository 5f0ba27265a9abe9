"""Plays golden files as a client of this facade: it signs tokens and reads ours, encrypts and decrypts files."""

import base64
import json
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.facades import playing
from tests.facades.digime.calling import Consumer
from tests.facades.digime.opening import opened
from tests.facades.digime.test_postbox import sealed


@dataclass
class Player(playing.Player):
    """Somebody at the wire who has the contracts' keys."""

    client: str = "reader"
    #: By what its file calls a contract.
    consumers: dict[str, Consumer] = field(default_factory=dict)

    def dressed(self, method: str, target: str, given: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        """With a signed token that makes the header `Claims` true; where there is a `Descriptor`, encrypted with it."""
        claims = given.pop("Claims", None)
        said = {} if claims is None else json.loads(claims)
        if "Descriptor" in given:
            key = load_pem_public_key(unquote_plus(self.known["key"]).encode())
            assert isinstance(key, RSAPublicKey)
            more, ciphertext = sealed(key, given.pop("Descriptor").encode(), body)
            form = httpx.Request(method, "http://unused", files={"file": ("receipt.txt", ciphertext)})
            said, given, body = said | more, given | {"Content-Type": form.headers["content-type"]}, form.read()
        if claims is not None:
            given["Authorization"] = f"Bearer {self.consumers[self.client].token(**said)}"
        return given, body

    def undressed(self, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], str]:
        """A file decrypted, `X-Metadata` and our tokens as the JSON that they are."""
        if headers.get("content-type") == "application/octet-stream":
            body = opened(self.consumers[self.client], httpx.Response(200, headers=headers, content=body))
            return headers | {"x-metadata": _decoded(headers["x-metadata"])}, body.decode()
        if body.startswith(b'{"token":'):
            header, payload, _ = json.loads(body)["token"].split(".")
            headers = headers | {"token-header": _decoded(header), "token-payload": _decoded(payload)}
        return headers, body.decode()


def _decoded(part: str) -> str:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
