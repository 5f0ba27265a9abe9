"""Users: registered by their application, erased as a whole."""

import re
from collections.abc import Mapping
from uuid import UUID, uuid4

from afflux.domain.errors import Conflict, InvalidInput, NotFound
from afflux.domain.events import EventType, NewEvent
from afflux.domain.operations import OperationKind
from afflux.domain.principal import Principal
from afflux.domain.users import User
from afflux.services import passwords
from afflux.services.operations import act
from afflux.store import pseudonyms
from afflux.store import users as store
from afflux.store.database import Database, Tx
from afflux.store.vault import Vault

_ATOM = r"[^\s@.,:;()<>\[\]\\\"\x00-\x20\x7f-\xa0]+"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
#: What mail servers deliver to: RFC 5321 without quoting and address literals, with the letters of RFC 6531.
_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?![0-9]+$){_LABEL}")


def check_email(email: str) -> str:
    """The address, if it looks like one. Raises `InvalidInput`; whether it exists is not asked."""
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise InvalidInput("invalid e-mail address")
    return email


def check_principal(principal: Principal, user_id: UUID) -> None:
    """Raises `NotFound` when the principal acts for another user, for whom this one does not exist."""
    if principal.user_id not in (None, user_id):
        raise NotFound("user not found")


async def share(tx: Tx, principal: Principal, user_id: UUID) -> None:
    """Keep the principal's user from being erased until the transaction ends. Raises `NotFound`."""
    check_principal(principal, user_id)
    if not await store.share(tx, principal.application_id, user_id):
        raise NotFound("user not found")


async def register(
    database: Database,
    vault: Vault,
    principal: Principal,
    *,
    email: str | None = None,
    password: str | None = None,
    external_id: str | None = None,
    profile: Mapping[str, object] | None = None,
) -> User:
    """Make a user, with these members of the profile. The password is hashed before the transaction opens.

    Raises `InvalidInput` for a malformed address or password, and `Conflict` when the address or the external id is
    taken.
    """
    if email is not None:
        check_email(email)
    password_hash = None if password is None else await passwords.hashed(password)
    async with database.transaction() as tx:
        user = await _insert(tx, vault, principal, email, password_hash, external_id)
        return await change_profile(tx, principal, user, profile) if profile else user


async def _insert(
    tx: Tx, vault: Vault, principal: Principal, email: str | None, password_hash: str | None, external_id: str | None
) -> User:
    application_id, user_id = principal.application_id, uuid4()
    user = await store.insert(
        tx,
        user_id,
        application_id,
        email=email,
        password_hash=password_hash,
        external_id=external_id,
        data_key=vault.new_user_key(application_id, user_id),
    )
    if user is None:
        raise Conflict(f"a user with this {'e-mail address' if email else 'id'} exists already")
    if external_id is not None:
        await pseudonyms.insert(tx, application_id, vault.pseudonym(application_id, external_id), user_id)
    tx.act(act(principal, user_id, OperationKind.REGISTER))
    tx.record(NewEvent(application_id, EventType.USER_REGISTERED, user_id))
    return user


async def change_email(tx: Tx, principal: Principal, user: User, email: str) -> User:
    """Another login for the user; the user as it is then.

    Raises `InvalidInput` for a malformed address, `Conflict` when another user has it, `NotFound` when the user is
    gone.
    """
    check_principal(principal, user.id)
    return await store.set_email(tx, principal.application_id, user.id, check_email(email))


async def change_profile(tx: Tx, principal: Principal, user: User, changes: Mapping[str, object]) -> User:
    """Other values for these members of the profile; the user as it is then. Raises `NotFound`.

    Locks the user's row.
    """
    check_principal(principal, user.id)
    return await store.change_profile(tx, principal.application_id, user.id, changes)


async def change_password(database: Database, principal: Principal, user: User, password: str) -> User:
    """Another password for the user, hashed before the transaction opens. Raises `InvalidInput` and `NotFound`."""
    check_principal(principal, user.id)
    password_hash = await passwords.hashed(password)
    async with database.transaction() as tx:
        return await store.set_password(tx, principal.application_id, user.id, password_hash)
