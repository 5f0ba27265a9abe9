"""The keys that our tokens are signed with (contract: section 2.3)."""

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import RSAKey
from litestar import Response, get

from afflux.facades.digime.given import GivenKeyring
from afflux.facades.digime.responses import answer
from afflux.facades.digime.wire.tokens import KeyObject, KeySet

#: Seconds. A new key signs nothing for longer than that.
_FRESH = 5


@get("/jwks/oauth")
async def get_keys(keyring: GivenKeyring) -> Response[KeySet]:
    """The public keys, old ones included."""
    keys = [_key_object(key_id, key) for key_id, key in (await keyring.published()).items()]
    return answer(KeySet(keys), headers={"Cache-Control": f"public, max-age={_FRESH}"})


def _key_object(key_id: str, key: RSAKey) -> KeyObject:
    public = key.as_dict(private=False)
    pem = key.public_key.public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode("ascii")
    return KeyObject("RSA", key_id, "sig", "PS512", str(public["e"]), str(public["n"]), pem)


HANDLERS = (get_keys,)
