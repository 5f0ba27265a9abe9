"""Suspending a user: nothing is synchronised for him until he is resumed. What is held can still be read."""

from afflux.domain.errors import Conflict
from afflux.domain.operations import OperationKind
from afflux.domain.principal import Principal
from afflux.domain.users import User
from afflux.services import syncs
from afflux.services.operations import act
from afflux.services.users import check_principal
from afflux.store import users
from afflux.store.database import Tx


async def suspend(tx: Tx, principal: Principal, user: User, *, reason: str | None = None) -> None:
    """End what runs for the user, and refuse new syncs from now on.

    Raises `NotFound` for a user who is gone, and `Conflict` for one who is suspended.
    """
    await _change(tx, principal, user, suspended=True)
    await syncs.cancel_all(tx, user)
    tx.act(act(principal, user.id, OperationKind.SUSPEND, reason))


async def resume(tx: Tx, principal: Principal, user: User, *, reason: str | None = None) -> None:
    """Allow syncs again; nothing starts by itself.

    Raises `NotFound` for a user who is gone, and `Conflict` for one who is not suspended.
    """
    await _change(tx, principal, user, suspended=False)
    tx.act(act(principal, user.id, OperationKind.RESUME, reason))


async def _change(tx: Tx, principal: Principal, user: User, *, suspended: bool) -> None:
    check_principal(principal, user.id)
    await users.lock(tx, principal.application_id, user.id)
    if not await users.set_suspended(tx, principal.application_id, user.id, suspended):
        raise Conflict(f"the user is {'already' if suspended else 'not'} suspended")
