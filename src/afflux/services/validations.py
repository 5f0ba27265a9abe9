"""Proving that an e-mail address is the user's: a code is mailed there, and has to come back in time."""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from afflux.domain.jobs import MailToken
from afflux.domain.users import User
from afflux.services import places
from afflux.store import queue, users
from afflux.store import validations as store
from afflux.store.database import Database, Tx
from afflux.store.validations import HeldValidation
from afflux.store.vault import Place, Vault

#: Of a code (Iswigo's contract: section 5.2).
LIFE = timedelta(minutes=15)
#: Wrong codes after which the right one does not count any more: there are only a million.
TRIES = 10


@dataclass(frozen=True, slots=True)
class Code:
    """What is mailed."""

    #: Six of them.
    digits: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Validation:
    """How far the user is."""

    address: str
    #: What has to come back; None once the address is proven.
    code: Code | None


class Proof(StrEnum):
    """What a code that was given is worth."""

    RIGHT = "right"
    WRONG = "wrong"
    #: Right, but too late, or after too many wrong ones.
    EXPIRED = "expired"


async def request(tx: Tx, vault: Vault, user: User, address: str) -> None:
    """Ask the user to prove `address`; nothing happens if that is proven, or a code is on its way.

    The caller has the user's row locked.
    """
    held = await store.lock(tx, user.application_id, user.id)
    if held is None or held.address != address or _is_over(held, tx.now):
        await _begin(tx, vault, user, address, held)


async def current(database: Database, vault: Vault, user: User) -> Validation | None:
    """How far the user is, with a new code where the last one was not used in time; None when nothing was asked."""
    async with database.reading() as tx:
        held = await store.of_user(tx, user.application_id, user.id)
    if held is None or not _is_over(held, tx.now):
        return _opened(vault, user, held)
    async with database.transaction() as tx:
        return await _renewed(tx, vault, user)


async def _renewed(tx: Tx, vault: Vault, user: User) -> Validation | None:
    """The validation with a new code, unless another request was quicker; None when the user was erased."""
    if not await users.share(tx, user.application_id, user.id):
        return None
    held = await store.lock(tx, user.application_id, user.id)
    if held is None or not _is_over(held, tx.now):
        return _opened(vault, user, held)
    return await _begin(tx, vault, user, held.address, held)


async def prove(tx: Tx, vault: Vault, user: User, code: str) -> Proof:
    """What the code is worth; the right one in time ends the validation."""
    held = await store.lock(tx, user.application_id, user.id)
    if held is None or held.token is None:
        return Proof.WRONG
    if not hmac.compare_digest(vault.of(user).open(_place(user), held.token), code.encode()):
        await store.mistaken(tx, user.application_id, user.id)
        return Proof.WRONG
    if _is_over(held, tx.now) or held.tries >= TRIES:
        return Proof.EXPIRED
    await store.proven(tx, user.application_id, user.id)
    return Proof.RIGHT


async def to_mail(tx: Tx, vault: Vault, user: User, job_id: int) -> Validation | None:
    """What the job is to mail to the user, if anything."""
    held = await store.to_mail(tx, user.application_id, user.id, job_id)
    return _opened(vault, user, held)


async def _begin(tx: Tx, vault: Vault, user: User, address: str, replaced: HeldValidation | None) -> Validation:
    """A fresh code for the address, and the job that mails it, in place of the last ones."""
    if replaced is not None and replaced.job_id is not None:
        await queue.drop(tx, replaced.job_id)
    code = Code(f"{secrets.randbelow(10**6):06}", tx.now + LIFE)
    sealed = vault.of(user).seal(_place(user), code.digits.encode())
    job_id = await queue.enqueue(tx, MailToken(user.application_id, user.id))
    await store.begin(tx, user.application_id, user.id, address, sealed, code.expires_at, job_id)
    return Validation(address, code)


def _is_over(held: HeldValidation, now: datetime) -> bool:
    """Whether the code was not used in time."""
    return held.token_expires_at is not None and held.token_expires_at <= now


def _opened(vault: Vault, user: User, held: HeldValidation | None) -> Validation | None:
    if held is None:
        return None
    if held.token is None or held.token_expires_at is None:
        return Validation(held.address, None)
    digits = vault.of(user).open(_place(user), held.token).decode()
    return Validation(held.address, Code(digits, held.token_expires_at))


def _place(user: User) -> Place:
    return places.address_token(user.application_id, user.id)
