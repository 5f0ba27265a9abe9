"""Challenges: what a sync asks the human, kept while he is away, answered or over. Each step is one transaction."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from afflux.domain.challenges import Answer, Challenge, ChallengeKind
from afflux.domain.connections import ChannelStatus, Connection
from afflux.domain.errors import Conflict, DecryptionFailed, InvalidInput, NotFound, SyncErrorCode
from afflux.domain.events import EventType
from afflux.domain.principal import Principal
from afflux.domain.syncs import Sync, SyncStatus
from afflux.domain.users import User
from afflux.services import channels, places, syncs
from afflux.services.consents import sent_back, with_query
from afflux.services.users import check_principal
from afflux.store import connections, users
from afflux.store import syncs as store
from afflux.store.database import Tx
from afflux.store.vault import Vault

#: Where the pages of redirect challenges send the browser back to.
RETURN = "/widget/return/challenge"


async def park(
    tx: Tx, vault: Vault, user: User, sync: Sync, channel_id: int, challenge: Challenge, parked: bytes
) -> None:
    """The human is needed: keep the challenge and the connector's sealed state, free the worker. After `hold`."""
    sealed = vault.of(user).seal(places.parked(sync.application_id, sync.id), parked)
    await store.park(tx, sync, channel_id, msgspec.to_builtins(challenge), challenge.expires_at, sealed)
    if challenge.kind is ChallengeKind.DECOUPLED:
        job_id = await syncs.enqueue(tx, sync, after=timedelta(seconds=challenge.poll_after))
        await store.set_jobs(tx, sync.application_id, {sync.id: job_id})
    await connections.asked_for_user(tx, sync.application_id, sync.connection_id)
    if not syncs.polling(sync) or challenge.name != (sync.challenge or {}).get("name"):
        data = {
            "channel_id": channel_id,
            "kind": challenge.kind,
            "step": challenge.name,
            "expires_at": challenge.expires_at,
            "channels": await channels.during(tx, sync),
        }
        await store.asked(tx, sync)
        tx.record(syncs.event(sync, EventType.SYNC_WAITING, data))


def asks(sync: Sync) -> bool:
    """Whether the human is asked: the sync waits, or a run just looks if a decoupled challenge was approved."""
    looking = sync.status is SyncStatus.RUNNING and syncs.polling(sync) and sync.percent is None
    return looking or sync.status is SyncStatus.WAITING


def open_challenge(sync: Sync | None) -> Challenge:
    """What the sync waits for. Raises `Conflict` when it waits for nothing."""
    if sync is None or not asks(sync) or sync.challenge is None:
        raise Conflict("Step not available")
    return msgspec.convert(sync.challenge, Challenge)


async def answer(tx: Tx, vault: Vault, principal: Principal, connection: Connection, given: Answer) -> Sync:
    """Store what the human answered and let a job go on, in this one transaction.

    Raises `Conflict` when no challenge is open and `InvalidInput` naming a value that is missing. Whether a code is
    right is for the provider to say.
    """
    check_principal(principal, connection.user_id)
    await syncs.guard(tx, principal.application_id, connection.user_id, connection.id)
    sync = await syncs.active(tx, principal.application_id, connection.id)
    challenge = open_challenge(sync)
    if sync is None or tx.now >= challenge.expires_at:
        raise Conflict("Step not available")
    _check_answer(challenge, given)
    if sync.status is SyncStatus.RUNNING:
        return sync  # A run is looking already.
    await _resume(tx, vault, sync, given)
    return await store.by_id(tx, sync.application_id, sync.id)


async def _resume(tx: Tx, vault: Vault, sync: Sync, given: Answer) -> None:
    """Keep the answer, and let a job go on with it."""
    user = await users.by_id(tx, sync.application_id, sync.user_id)
    sealed = vault.of(user).seal(places.answer(sync.application_id, sync.id), msgspec.json.encode(given))
    await store.resumed(tx, sync.application_id, sync.id, sealed, await syncs.enqueue(tx, sync))
    tx.record(syncs.event(sync, EventType.SYNC_ANSWERED))


def way_back(vault: Vault, public_url: str, sync: Sync) -> str:
    """Where a redirect challenge that this run asks has to send the browser: an address that nobody can make up, good
    once and for this challenge only.
    """
    # Parking raises the fence by one, and so does whatever comes after it.
    note = msgspec.json.encode((sync.application_id, sync.id, sync.attempt + 1))
    state = urlsafe_b64encode(vault.root.seal(places.RETURN, note)).rstrip(b"=").decode()
    return with_query(public_url + RETURN, {"state": state})


async def returned(tx: Tx, vault: Vault, state: str, parameters: Mapping[str, str]) -> Sync:
    """The person came back from the page of a redirect challenge, and what its provider sent along is the answer.

    Raises `NotFound` for a state that no open challenge has: made up, used or over.
    """
    application_id, sync_id, attempt = _noted(vault, state)
    seen = await store.by_id(tx, application_id, sync_id)
    await syncs.guard(tx, application_id, seen.user_id, seen.connection_id)
    sync = await store.lock(tx, application_id, sync_id)
    if sync.attempt != attempt or not _awaits_return(sync, tx.now):
        raise NotFound("challenge not found")
    await _resume(tx, vault, sync, Answer(values=sent_back(parameters)))
    return sync


def _noted(vault: Vault, state: str) -> tuple[UUID, UUID, int]:
    """Application, sync and attempt of a way back. Raises `NotFound`."""
    try:
        note = vault.root.open(places.RETURN, urlsafe_b64decode(f"{state}=="))
    except (DecryptionFailed, ValueError):
        raise NotFound("challenge not found") from None
    return msgspec.json.decode(note, type=tuple[UUID, UUID, int])


def _awaits_return(sync: Sync, now: datetime) -> bool:
    if sync.status is not SyncStatus.WAITING:
        return False
    challenge = open_challenge(sync)
    return challenge.kind is ChallengeKind.REDIRECT and now < challenge.expires_at


def _check_answer(challenge: Challenge, given: Answer) -> None:
    """Refuse an answer that does not fit the question. Raises `InvalidInput`."""
    if given.cancel:
        return
    wanted = {field.name for field in challenge.fields if field.required}
    if challenge.kind is ChallengeKind.CHOICE:
        wanted = {"choice"}
        if given.values.get("choice") not in challenge.choices:
            raise InvalidInput("Invalid parameter choice")
    if missing := sorted(name for name in wanted if not given.values.get(name)):
        raise InvalidInput(f"Invalid parameter {missing[0]}")


async def expire(tx: Tx, seen: Sync) -> None:
    """Nobody answered in time: the channel failed, and with it the sync, unless it has other channels. Does nothing
    to a sync that is no longer as it was seen.
    """
    if not await syncs.still(tx, seen):
        return
    if len(await channels.after(tx, seen)) == 1 or seen.channel_id is None:
        await syncs.fail(tx, seen, SyncErrorCode.CHALLENGE_EXPIRED, "")
    else:
        await _leave_channel(tx, seen, seen.channel_id, SyncErrorCode.CHALLENGE_EXPIRED)


async def _leave_channel(tx: Tx, sync: Sync, channel_id: int, code: SyncErrorCode) -> None:
    """The channel failed while nobody ran it: a job goes on with the others."""
    ids = (sync.application_id, sync.connection_id, channel_id)
    await connections.channel_ended(tx, *ids, ChannelStatus.FAILED, code)
    left = replace(sync, outcomes={**sync.outcomes, str(channel_id): code})
    await store.entered(tx, left, left.stage, left.outcomes, left.result)
    await syncs.tell_failed(tx, left, channel_id, code)
    await store.resumed(tx, sync.application_id, sync.id, None, await syncs.enqueue(tx, sync))
