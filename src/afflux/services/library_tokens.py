"""Token pairs of contracts: opaque, strictly rotated, and taken back as a family when one turns up twice.

Other than with `grants`, a refresh token is spent by its first use, and its access token goes with it (contract of
digi.me: section 7, 10).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID, uuid4, uuid5

from afflux.config import Settings
from afflux.domain.contracts import Contract
from afflux.services.grants import hashed, proves
from afflux.store import grants, users
from afflux.store import library_grants as store
from afflux.store.database import Tx

#: Of an access token, and of a code that nobody used.
ACCESS_LIFE = timedelta(days=1)
CODE_LIFE = timedelta(minutes=10)
#: For how long a used code is remembered, and a pair by whose access token its user may still be known.
_CODE_MEMORY = timedelta(days=1)
_PAIR_MEMORY = timedelta(days=365)


class Refusal(Enum):
    """Why there are no tokens."""

    CODE = auto()
    REDIRECT_URI = auto()
    VERIFIER = auto()


@dataclass(frozen=True, slots=True)
class Pair:
    """A new token pair."""

    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    #: Shared by all pairs of one consent.
    consent_id: UUID
    #: By which the contract, and nobody else, knows the library.
    library_id: UUID


def library_id(contract: Contract, user_id: UUID) -> UUID:
    """By which the contract, and nobody else, knows a user's library."""
    return uuid5(contract.registration.id, str(user_id))


def word() -> str:
    """A secret of 32 letters and digits."""
    return secrets.token_hex(16)


async def give_code(tx: Tx, contract: Contract, user_id: UUID, redirect_uri: str, challenge: str) -> str:
    """A code for the browser to carry to its application. After the user is shared."""
    application_id = contract.registration.application.id
    await grants.drop_codes(tx, application_id, user_id, tx.now - _CODE_MEMORY)
    code = word()
    await grants.insert_code(
        tx, contract.registration, user_id, hashed(code), uuid4(), redirect_uri, (), challenge, tx.now + CODE_LIFE
    )
    return code


async def redeem(
    tx: Tx, settings: Settings, contract: Contract, code: str, redirect_uri: str | None, verifier: str
) -> Pair | Refusal:
    """The token pair for a code.

    A code that comes twice takes the tokens of its first time along, and one that comes with a wrong verifier is used
    up, so commit also what is refused.
    """
    held = await grants.code(tx, contract.registration, hashed(code))
    if held is None or not await users.share(tx, held.application_id, held.user_id):
        return Refusal.CODE
    if not await grants.use_code(tx, held.application_id, hashed(code)):
        await grants.revoke_family(tx, held.application_id, held.family)
        return Refusal.CODE
    if held.expires_at <= tx.now:
        return Refusal.CODE
    if redirect_uri not in (None, held.redirect_uri):
        return Refusal.REDIRECT_URI
    if not proves(verifier, held.challenge):
        return Refusal.VERIFIER
    return await _give(tx, settings, contract, held.user_id, held.family, None)


async def renew(tx: Tx, settings: Settings, contract: Contract, refresh_token: str) -> Pair | None:
    """A new pair for a refresh token, which is spent with it; None for one that is not good.

    A spent one takes its family along, so commit also when the answer is None.
    """
    registration = contract.registration
    seen = await grants.by_refresh_token(tx, registration, hashed(refresh_token))
    # The user before the grant: erasing locks from the top down.
    if seen is None or not await users.share(tx, seen.application_id, seen.user_id):
        return None
    held = await grants.lock(tx, registration, hashed(refresh_token))
    if held is None or held.revoked_at is not None or held.refresh_expires_at <= tx.now:
        return None
    if held.spent_at is not None:
        await grants.revoke_family(tx, held.application_id, held.family)
        return None
    return await _give(tx, settings, contract, held.user_id, held.family, held.id)


async def _give(
    tx: Tx, settings: Settings, contract: Contract, user_id: UUID, family: UUID, parent_id: UUID | None
) -> Pair:
    registration, grant_id = contract.registration, uuid4()
    seconds = settings.access_token_seconds
    life = ACCESS_LIFE if seconds is None else timedelta(seconds=seconds)
    pair = Pair(
        secrets.token_hex(80),
        tx.now + life,
        secrets.token_hex(80),
        tx.now + timedelta(days=settings.digime_refresh_days),
        family,
        library_id(contract, user_id),
    )
    await store.drop_over(tx, registration, user_id, _PAIR_MEMORY)
    access = (hashed(pair.access_token), pair.access_expires_at)
    refresh = (hashed(pair.refresh_token), pair.refresh_expires_at)
    await store.insert(tx, registration, user_id, grant_id, family, parent_id, access, refresh)
    if parent_id is not None:
        await grants.spend(tx, registration.application.id, parent_id, grant_id)
    return pair
