"""Visits to the connect page: opened by an application for one of its users, found again by the page."""

import hashlib
from datetime import timedelta
from uuid import UUID, uuid4

from afflux.connectors.registry import Registry
from afflux.domain.applications import Facade
from afflux.domain.connect_sessions import ConnectAction, ConnectSession, Wish
from afflux.domain.errors import InvalidInput, NotFound
from afflux.domain.principal import Principal
from afflux.services import users
from afflux.store import connect_sessions as store
from afflux.store import connections
from afflux.store.database import Tx

#: As long as the access token that asks for it (Iswigo: section 5.7).
LIFE = timedelta(hours=1)


async def create(tx: Tx, registry: Registry, principal: Principal, user_id: UUID, facade: Facade, wish: Wish) -> str:
    """Open a session, for an hour; the token that shows its page. Others stay open beside it.

    Raises `InvalidInput` naming what does not fit the action, and `NotFound` for a connection that is not the user's
    and a provider that does not exist.
    """
    _check(wish)
    await users.share(tx, principal, user_id)
    held = {each.id: each.provider_id for each in await connections.of_user(tx, principal.application_id, user_id)}
    if not held.keys() >= set(wish.connections):
        raise NotFound("connection not found")
    _check_limits(registry, wish, {held[id] for id in wish.connections})
    token = str(uuid4())
    await store.insert(tx, uuid4(), principal.application_id, user_id, facade, _hashed(token), wish, tx.now + LIFE)
    return token


def _check(wish: Wish) -> None:
    """Raises `InvalidInput` for what can be seen to be wrong without a look at anything."""
    if wish.action is ConnectAction.EDIT and len(wish.connections) != 1:
        raise InvalidInput("Invalid connections")
    if wish.provider is not None and wish.action is not ConnectAction.CREATE:
        raise InvalidInput("Invalid provider")
    if wish.suggestion is not None and wish.action is not ConnectAction.SUGGESTION:
        raise InvalidInput("Invalid suggestion")


def _check_limits(registry: Registry, wish: Wish, linked: set[int]) -> None:
    """What is to be linked or edited has to be within the limits. Raises `InvalidInput` and `NotFound`."""
    if wish.provider is not None and not wish.admits(registry.provider(wish.provider)):
        raise InvalidInput("Invalid provider")
    if wish.action is ConnectAction.EDIT and not all(wish.admits(registry.provider(id)) for id in linked):
        raise InvalidInput("Invalid connections")


async def visited(tx: Tx, token: str) -> ConnectSession:
    """The session that a browser shows up for; its first visit is noted. Raises `NotFound` where none is open."""
    session = await store.by_token(tx, _hashed(token))
    if session.opened_at is None:
        await store.set_opened(tx, session.application_id, session.id)
    return session


async def close(tx: Tx, principal: Principal, user_id: UUID, token: str) -> None:
    """Close a session of the user for good. Raises `NotFound` where none is open."""
    users.check_principal(principal, user_id)
    if not await store.delete(tx, principal.application_id, user_id, _hashed(token)):
        raise NotFound("session not found")


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
