"""Token pairs for users: given for a sign-in, renewed, and taken back as a family when one token turns up twice.

A refresh token stays good until the one that was got for it is used, so that an answer lost on the way costs nothing.
From then on the old one is spent, and whoever still comes with it has it from somewhere it should not be: the
whole family goes (security baseline, section 5).
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from afflux.domain.applications import Registration
from afflux.store import grants as store
from afflux.store import users
from afflux.store.database import Tx

#: Of an authorization code, and of a refresh token that nobody uses.
CODE_LIFE = timedelta(seconds=60)
REFRESH_LIFE = timedelta(days=90)
#: For how long a used code is remembered, to notice that it comes again.
_MEMORY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Granted:
    """A new token pair. Its id is the `jti` of the access tokens that go with it."""

    id: UUID
    user_number: int
    scope: tuple[str, ...]
    refresh_token: str


def hashed(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


async def give(tx: Tx, registration: Registration, user_id: UUID, scope: Sequence[str]) -> Granted | None:
    """A token pair for a user who has just signed in; None when the user is gone meanwhile."""
    if not await users.share(tx, registration.application.id, user_id):
        return None
    await store.drop_over(tx, registration, user_id)
    return await _insert(tx, registration, user_id, uuid4(), None, scope)


async def renew(tx: Tx, registration: Registration, refresh_token: str) -> Granted | None:
    """A new pair for a refresh token of the application; None for one that is not good.

    A spent one takes its family along, so commit also when the answer is None.
    """
    seen = await store.by_refresh_token(tx, registration, hashed(refresh_token))
    # The user before the grant: erasing locks from the top down.
    if seen is None or not await users.share(tx, seen.application_id, seen.user_id):
        return None
    held = await store.lock(tx, registration, hashed(refresh_token))
    if held is None or held.revoked_at is not None or held.refresh_expires_at <= tx.now:
        return None
    if held.spent_at is not None:
        await store.revoke_family(tx, held.application_id, held.family)
        return None
    if held.parent_id is not None:
        await store.spend(tx, held.application_id, held.parent_id, held.id)
    return await _insert(tx, registration, held.user_id, held.family, held.id, held.scope)


async def _insert(
    tx: Tx, registration: Registration, user_id: UUID, family: UUID, parent_id: UUID | None, scope: Sequence[str]
) -> Granted:
    grant_id, token = uuid4(), secrets.token_urlsafe(32)
    expires_at = tx.now + REFRESH_LIFE
    await store.insert(tx, registration, user_id, grant_id, family, parent_id, scope, hashed(token), expires_at)
    user = await users.by_id(tx, registration.application.id, user_id)
    return Granted(grant_id, user.number, tuple(scope), token)


async def give_code(
    tx: Tx,
    registration: Registration,
    user_id: UUID,
    redirect_uri: str,
    scope: Sequence[str],
    challenge: str | None,
) -> str | None:
    """A code for the browser to carry to its application; None when the user is gone meanwhile."""
    if not await users.share(tx, registration.application.id, user_id):
        return None
    await store.drop_codes(tx, registration.application.id, user_id, tx.now - _MEMORY)
    code = secrets.token_urlsafe(32)
    await store.insert_code(
        tx, registration, user_id, hashed(code), uuid4(), redirect_uri, scope, challenge, tx.now + CODE_LIFE
    )
    return code


async def redeem(
    tx: Tx, registration: Registration, code: str, redirect_uri: str | None, verifier: str | None
) -> Granted | None:
    """The token pair for a code; None for one that is not good.

    A code that comes twice takes the tokens of its first time along, so commit also when the answer is None.
    """
    held = await store.code(tx, registration, hashed(code))
    if held is None or not await users.share(tx, held.application_id, held.user_id):
        return None
    if not await store.use_code(tx, held.application_id, hashed(code)):
        await store.revoke_family(tx, held.application_id, held.family)
        return None
    if held.expires_at <= tx.now or held.redirect_uri != redirect_uri or not proves(verifier, held.challenge):
        return None
    return await _insert(tx, registration, held.user_id, held.family, None, held.scope)


def proves(verifier: str | None, challenge: str | None) -> bool:
    """Whether the verifier is what the challenge was made of (RFC 7636)."""
    if challenge is None:
        return verifier is None
    digest = hashlib.sha256((verifier or "").encode()).digest()
    return hmac.compare_digest(urlsafe_b64encode(digest).rstrip(b"="), challenge.encode())
