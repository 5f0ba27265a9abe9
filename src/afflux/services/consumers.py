"""Users as an application knows them by ids of its own: registered by their id, with cards, and erased."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from afflux.domain.errors import Conflict, NotFound
from afflux.domain.operations import Operation
from afflux.domain.principal import Principal
from afflux.domain.users import User
from afflux.runtime import Runtime
from afflux.services import erasure, operations, places, users
from afflux.store import cards
from afflux.store import operations as operation_store
from afflux.store import users as store
from afflux.store.database import Tx


async def register(runtime: Runtime, principal: Principal, consumer_id: str) -> User:
    """The user with this id, made where there is none. Raises `Conflict` while the one who had it is being erased."""
    while True:
        async with runtime.database.reading() as tx:
            user, pending = await _find(tx, runtime, principal, consumer_id)
        if user is not None:
            return user
        if pending is not None:
            raise Conflict("operation already in progress")
        try:
            return await users.register(runtime.database, runtime.vault, principal, external_id=consumer_id)
        except Conflict:
            continue  # Somebody else was faster, or an erasure has just begun.


async def _find(
    tx: Tx, runtime: Runtime, principal: Principal, consumer_id: str
) -> tuple[User | None, Operation | None]:
    """The user whom the application gave this id, or who has it as our id and none of the application's; or else what
    is being done to the one who had it.
    """
    known = operations.known_as(runtime.vault, principal.application_id, consumer_id)
    user = await store.by_external_id(tx, principal.application_id, consumer_id)
    if user is None and known.user_id is not None:
        user = await store.by_own_id(tx, principal.application_id, known.user_id)
    if user is not None:
        return user, None
    return None, await operation_store.pending_of(tx, known.application_id, known.digest, known.user_id)


async def keep_cards(runtime: Runtime, principal: Principal, user: User, held: Mapping[str, object]) -> None:
    """Keep cards by their ids, sealed; a card that is known by its id is replaced. Raises `NotFound`."""
    sealer = runtime.vault.of(user)
    async with runtime.database.transaction() as tx:
        await users.share(tx, principal, user.id)
        digests = {runtime.vault.pseudonym(user.application_id, id): card for id, card in held.items()}
        sealed = {
            digest: sealer.seal(places.card(user.application_id, user.id, digest), msgspec.json.encode(card))
            for digest, card in digests.items()
        }
        await cards.upsert(tx, user.application_id, user.id, sealed)


async def erase(
    runtime: Runtime, principal: Principal, consumer_id: str, reason: str | None, reason_code: str
) -> Operation:
    """Erase the user with this id, or see the erasure that is under way to its end. Raises `NotFound`."""
    async with runtime.database.reading() as tx:
        user, pending = await _find(tx, runtime, principal, consumer_id)
    if pending is not None:
        return await erasure.finish(runtime, pending)
    if user is None:
        raise NotFound("consumer not found")
    return await erasure.erase(runtime, principal, user.id, reason=reason, reason_code=reason_code)


async def erase_later(
    runtime: Runtime, principal: Principal, consumer_id: str, reason: str | None, reason_code: str, after: timedelta
) -> Operation:
    """Let a worker erase the user with this id. Raises `NotFound`, and `Conflict` where that is under way already."""
    async with runtime.database.transaction() as tx:
        user, pending = await _find(tx, runtime, principal, consumer_id)
        if user is None and pending is None:
            raise NotFound("consumer not found")
        if user is not None:
            operation = await erasure.request(
                tx, principal, user.id, reason=reason, reason_code=reason_code, after=after
            )
            if operation.started_at == tx.now:
                return operation
    raise Conflict("operation already in progress")
