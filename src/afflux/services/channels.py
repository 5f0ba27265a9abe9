"""How the channels of a connection stand, told in the events of its syncs."""

from afflux.domain.connections import ChannelState, standing
from afflux.domain.syncs import Sync
from afflux.store import connections
from afflux.store.database import Tx


async def during(tx: Tx, sync: Sync) -> list[ChannelState]:
    """Every channel while a stage of the sync goes on: those without an outcome are running."""
    return [standing(state, sync.outcomes) for state in await after(tx, sync)]


async def after(tx: Tx, sync: Sync) -> list[ChannelState]:
    """Every channel as the stage left it."""
    return await connections.channel_states(tx, sync.application_id, sync.connection_id)
