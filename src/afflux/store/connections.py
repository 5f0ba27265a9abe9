"""Connections and the state of their channels."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from afflux.domain.connections import ChannelStatus, Connection, ConnectionChannel
from afflux.domain.errors import SyncErrorCode
from afflux.store.database import Tx
from afflux.store.rows import many, one

_COLUMNS = """id, number, application_id, user_id, provider_id, name, login_mask, auto_sync, last_success_at,
              last_error_at, consecutive_errors, created_at"""
_CHANNEL_COLUMNS = """held.connection_id, held.channel_id, held.application_id, held.user_id, held.status,
                      held.error_code, held.frozen, held.credentials, held.state, held.consent_expires_at,
                      held.last_end_at, held.last_success_at"""


async def insert(
    tx: Tx,
    connection_id: UUID,
    application_id: UUID,
    user_id: UUID,
    provider_id: int,
    name: str,
    login_mask: str | None,
    auto_sync: bool,
) -> Connection:
    """Add a connection."""
    row = await tx.row(
        f"""
        INSERT INTO connections (id, application_id, user_id, provider_id, name, login_mask, auto_sync, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_COLUMNS}
        """,
        connection_id,
        application_id,
        user_id,
        provider_id,
        name,
        login_mask,
        auto_sync,
        tx.now,
    )
    return one(Connection, row, "connection")


async def insert_channel(tx: Tx, connection: Connection, channel_id: int, credentials: bytes | None) -> None:
    """Add one channel to a connection, with its sealed credentials."""
    await tx.execute(
        """
        INSERT INTO connection_channels (connection_id, channel_id, application_id, user_id, credentials)
        VALUES ($1, $2, $3, $4, $5)
        """,
        connection.id,
        channel_id,
        connection.application_id,
        connection.user_id,
        credentials,
    )


async def by_id(tx: Tx, application_id: UUID, user_id: UUID, connection_id: UUID) -> Connection:
    """One connection of the user. Raises `NotFound`."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM connections WHERE application_id = $1 AND user_id = $2 AND id = $3",
        application_id,
        user_id,
        connection_id,
    )
    return one(Connection, row, "connection")


async def share(tx: Tx, application_id: UUID, connection_id: UUID) -> bool:
    """Keep the connection from being deleted until the transaction ends; False when there is none (any more)."""
    return bool(
        await tx.value(
            "SELECT true FROM connections WHERE application_id = $1 AND id = $2 FOR KEY SHARE",
            application_id,
            connection_id,
        )
    )


async def of_user(tx: Tx, application_id: UUID, user_id: UUID) -> list[Connection]:
    """All connections of the user, oldest first."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM connections WHERE application_id = $1 AND user_id = $2 ORDER BY created_at, number",
        application_id,
        user_id,
    )
    return many(Connection, rows)


async def channels(tx: Tx, application_id: UUID, connection_id: UUID) -> list[ConnectionChannel]:
    """The connection's channels in the order in which they are synchronised."""
    rows = await tx.fetch(
        f"""
        SELECT {_CHANNEL_COLUMNS}
        FROM connection_channels AS held JOIN channels ON channels.id = held.channel_id
        WHERE held.application_id = $1 AND held.connection_id = $2 ORDER BY channels.place
        """,
        application_id,
        connection_id,
    )
    return many(ConnectionChannel, rows)


async def channel_started(tx: Tx, application_id: UUID, connection_id: UUID, channel_id: int) -> None:
    """The channel runs."""
    await tx.execute(
        """
        UPDATE connection_channels SET status = 'running'
        WHERE application_id = $1 AND connection_id = $2 AND channel_id = $3
        """,
        application_id,
        connection_id,
        channel_id,
    )


async def channel_ended(
    tx: Tx,
    application_id: UUID,
    connection_id: UUID,
    channel_id: int,
    status: ChannelStatus,
    error: SyncErrorCode | None,
    frozen: bool,
) -> None:
    """The channel's run is over."""
    await tx.execute(
        """
        UPDATE connection_channels
        SET status = $4, error_code = $5, frozen = frozen OR $6, last_end_at = $7,
            last_success_at = CASE WHEN $4 IN ('success', 'partial') THEN $7 ELSE last_success_at END
        WHERE application_id = $1 AND connection_id = $2 AND channel_id = $3
        """,
        application_id,
        connection_id,
        channel_id,
        status,
        error,
        frozen,
        tx.now,
    )


async def set_channel_state(tx: Tx, application_id: UUID, connection_id: UUID, channel_id: int, state: bytes) -> None:
    """Keep what the connector wants back next time, sealed."""
    await tx.execute(
        """
        UPDATE connection_channels SET state = $4
        WHERE application_id = $1 AND connection_id = $2 AND channel_id = $3
        """,
        application_id,
        connection_id,
        channel_id,
        state,
    )


async def set_consent_end(
    tx: Tx, application_id: UUID, connection_id: UUID, channel_id: int, expires_at: datetime
) -> None:
    """Note until when the user's consent at the provider lasts."""
    await tx.execute(
        """
        UPDATE connection_channels SET consent_expires_at = $4
        WHERE application_id = $1 AND connection_id = $2 AND channel_id = $3
        """,
        application_id,
        connection_id,
        channel_id,
        expires_at,
    )


async def set_credentials(tx: Tx, application_id: UUID, connection_id: UUID, credentials: Mapping[int, bytes]) -> None:
    """Replace sealed credentials by channel; a frozen channel may run again."""
    await tx.execute(
        """
        UPDATE connection_channels AS held SET credentials = new.credentials, frozen = false
        FROM unnest($3::integer[], $4::bytea[]) AS new (channel_id, credentials)
        WHERE held.application_id = $1 AND held.connection_id = $2 AND held.channel_id = new.channel_id
        """,
        application_id,
        connection_id,
        list(credentials),
        list(credentials.values()),
    )


async def set_login_mask(tx: Tx, application_id: UUID, connection_id: UUID, login_mask: str) -> None:
    """Show another login."""
    await tx.execute(
        "UPDATE connections SET login_mask = $3 WHERE application_id = $1 AND id = $2",
        application_id,
        connection_id,
        login_mask,
    )


async def succeeded(tx: Tx, application_id: UUID, connection_id: UUID) -> None:
    """A sync of the connection ended well."""
    await tx.execute(
        """
        UPDATE connections SET last_success_at = $3, consecutive_errors = 0
        WHERE application_id = $1 AND id = $2
        """,
        application_id,
        connection_id,
        tx.now,
    )


async def failed(tx: Tx, application_id: UUID, connection_id: UUID) -> None:
    """A sync of the connection ended badly."""
    await tx.execute(
        """
        UPDATE connections SET last_error_at = $3, consecutive_errors = consecutive_errors + 1
        WHERE application_id = $1 AND id = $2
        """,
        application_id,
        connection_id,
        tx.now,
    )


async def stop_auto_sync(tx: Tx, application_id: UUID, connection_id: UUID) -> None:
    """Unattended runs are pointless from now on: the provider asked for its user (Iswigo 6.3)."""
    await tx.execute(
        "UPDATE connections SET auto_sync = false WHERE application_id = $1 AND id = $2",
        application_id,
        connection_id,
    )


async def delete(tx: Tx, application_id: UUID, connection_id: UUID) -> int:
    """Delete the connection and, by cascade, all its data; the number of connections deleted."""
    return await tx.execute(
        "DELETE FROM connections WHERE application_id = $1 AND id = $2", application_id, connection_id
    )
