"""An account that its user deletes: its data go, and with the last account its channel and its connection."""

from uuid import UUID

from afflux.domain.connections import Connection
from afflux.domain.errors import NotFound
from afflux.domain.events import EventType, NewEvent
from afflux.domain.principal import Principal
from afflux.services import connections, syncs, users
from afflux.store import accounts, documents, transactions
from afflux.store import connections as connection_store
from afflux.store.database import Tx


async def remove(tx: Tx, principal: Principal, connection: Connection, account_id: UUID) -> None:
    """Delete an account. Listing the accounts brings it back, as long as its channel is linked.

    Raises `NotFound` when the connection is gone.
    """
    await users.share(tx, principal, connection.user_id)
    if not await connection_store.lock(tx, principal.application_id, connection.id):
        raise NotFound("connection not found")
    await _forget(tx, principal.application_id, account_id)
    data = {"account_id": account_id}
    tx.record(NewEvent(principal.application_id, EventType.ACCOUNT_DELETED, connection.user_id, data, connection.id))
    barren = await accounts.barren_channels(tx, principal.application_id, connection.id)
    if barren:
        await _unlink(tx, principal, connection, barren)


async def _forget(tx: Tx, application_id: UUID, account_id: UUID) -> None:
    await accounts.bury(tx, application_id, account_id)
    await accounts.orphan(tx, application_id, account_id)
    await accounts.drop_balances(tx, application_id, account_id)
    await transactions.drop(tx, application_id, account_id)
    await transactions.drop_days(tx, application_id, account_id)
    await documents.detach(tx, application_id, account_id)


async def _unlink(tx: Tx, principal: Principal, connection: Connection, barren: list[int]) -> None:
    """Unlink channels without accounts; the connection, where none is left."""
    # A run that has begun knows what was typed for them.
    await syncs.cancel_begun(tx, connection)
    await connection_store.delete_channels(tx, principal.application_id, connection.id, barren)
    if not await connection_store.channel_states(tx, principal.application_id, connection.id):
        await connections.delete(tx, principal, connection)
