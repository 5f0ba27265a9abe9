"""A contract of digi.me, and requests that it signed before anything is measured."""

import secrets
import time
from dataclasses import dataclass

from joserfc import jwt
from joserfc.jwk import RSAKey

from afflux.domain.contracts import Contract, ContractKind
from afflux.domain.users import User
from afflux.runtime import Runtime
from afflux.services import contracts, library_tokens
from afflux.services.library_tokens import Pair
from afflux.store import applications
from benchmarks.cast import Tenant

_BACK = "https://app.example/back"
#: PKCE; the example of RFC 7636.
_VERIFIER, _CHALLENGE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@dataclass(frozen=True, slots=True)
class Consumer:
    """A contract, and the key it signs with."""

    contract: Contract
    key: RSAKey

    def trigger(self, access_token: str) -> bytes:
        """What travels to trigger a library; good once, and for five minutes."""
        claims = {
            "client_id": self.contract.registration.public_id,
            "nonce": secrets.token_hex(16),
            "timestamp": int(time.time() * 1000),
            "redirect_uri": _BACK,
            "access_token": access_token,
        }
        token = jwt.encode({"alg": "PS512", "typ": "JWT"}, claims, self.key, algorithms=["PS512"])
        return (
            "POST /v1.6/permission-access/trigger HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"
        ).encode()


async def make_consumer(runtime: Runtime, tenant: Tenant) -> Consumer:
    """A new contract of the tenant's application, which may read everything."""
    key = RSAKey.generate_key(2048)
    async with runtime.database.transaction() as tx:
        application = await applications.by_id(tx, tenant.principal.application_id)
        client_id = await contracts.register(
            tx, application, "bench", secrets.token_hex(16), ContractKind.READ, key.as_pem(private=False), [_BACK]
        )
        contract = await contracts.find(tx, client_id)
    assert contract is not None
    return Consumer(contract, key)


async def access_token(runtime: Runtime, consumer: Consumer, user: User) -> str:
    """What opens the user's library for the contract."""
    contract = consumer.contract
    async with runtime.database.transaction() as tx:
        code = await library_tokens.give_code(tx, contract, user.id, _BACK, _CHALLENGE)
        pair = await library_tokens.redeem(tx, runtime.settings, contract, code, _BACK, _VERIFIER)
    assert isinstance(pair, Pair)
    return pair.access_token
