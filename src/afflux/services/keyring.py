"""The server's keys for signing tokens: made when first needed, kept sealed, shared by all processes.

A new key signs nothing until every process has had time to notice it, and an old one goes on verifying what it signed.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc.jwk import RSAKey

from afflux.services import places
from afflux.store import signing_keys as store
from afflux.store.database import Database, Tx
from afflux.store.vault import Vault

_BITS = 2048
#: Seconds for which the keys are not looked up again.
_FRESH = 5.0
#: For how long the old key goes on signing after a rotation, and verifying after that.
_OVERLAP = timedelta(seconds=10)
_MEMORY = timedelta(days=30)


class Keyring:
    """Signing keys by `kid`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._keys: dict[str, RSAKey] = {}
        self._current: str | None = None
        self._looked_at = float("-inf")

    async def signing(self) -> tuple[str, RSAKey]:
        """The key that signs now, and its `kid`."""
        await self._refresh()
        if self._current is None:
            await self._make()
        assert self._current is not None  # noqa: S101 - just made
        return self._current, self._keys[self._current]

    async def verifying(self, key_id: str) -> RSAKey | None:
        """The key with this `kid`, retired or not; None for one that is not ours."""
        if key_id not in self._keys:
            await self._refresh()
        return self._keys.get(key_id)

    async def published(self) -> dict[str, RSAKey]:
        """Every key that something may be signed with, by `kid`, as it is now: for others to verify with."""
        await self.signing()
        async with self._database.reading() as tx:
            self._take(await store.held(tx), tx.now)
        return dict(self._keys)

    async def rotate(self) -> str:
        """Make another key, which signs from a moment later on; its `kid`."""
        pem = await asyncio.to_thread(_new_private_key)
        async with self._database.transaction() as tx:
            await store.lock(tx)
            await store.retire(tx, tx.now + _OVERLAP)
            await store.delete_retired(tx, tx.now - _MEMORY)
            newest, *_ = await self._insert(tx, pem)
        return newest.id

    async def _refresh(self) -> None:
        if time.monotonic() - self._looked_at < _FRESH:
            return
        async with self._database.reading() as tx:
            self._take(await store.held(tx), tx.now)

    def _take(self, held: Sequence[store.HeldKey], now: datetime) -> None:
        for key in held:
            if key.id not in self._keys:
                plain = self._vault.root.open(places.signing_key(key.id), key.private_key)
                # Nobody but us can have sealed it, and to prove its numbers prime once more takes a while.
                native = load_pem_private_key(plain, None, unsafe_skip_rsa_key_validation=True)
                self._keys[key.id] = RSAKey.import_key(cast(rsa.RSAPrivateKey, native))
        self._keys = {key.id: self._keys[key.id] for key in held}
        signing = [key.id for key in reversed(held) if key.retired_at is not None and key.retired_at > now]
        self._current = next(iter([*signing, *(key.id for key in held if key.retired_at is None)]), None)
        self._looked_at = time.monotonic()

    async def _make(self) -> None:
        """The first key; only one process makes it."""
        pem = await asyncio.to_thread(_new_private_key)
        async with self._database.transaction() as tx:
            await store.lock(tx)
            held = await store.held(tx)
            in_use = any(key.retired_at is None for key in held)
            self._take(held if in_use else await self._insert(tx, pem), tx.now)

    async def _insert(self, tx: Tx, pem: bytes) -> list[store.HeldKey]:
        key_id = secrets.token_hex(8)
        await store.insert(tx, key_id, self._vault.root.seal(places.signing_key(key_id), pem))
        return await store.held(tx)


def _new_private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
