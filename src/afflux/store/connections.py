"""Connections and the state of their channels."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from afflux.domain.connections import ChannelState, ChannelStatus, Connection, ConnectionChannel
from afflux.domain.errors import SyncErrorCode
from afflux.domain.syncs import Sync
from afflux.store.database import Tx
from afflux.store.rows import many, one

_COLUMNS = """id, number, application_id, user_id, provider_id, name, login_mask, auto_sync, needs_user,
              last_success_at, last_error_at, consecutive_errors, created_at"""
_CHANNEL_COLUMNS = """held.connection_id, held.channel_id, held.application_id, held.user_id, held.status,
                      held.error_code, held.frozen, held.credentials, held.state, held.consent_expires_at,
                      held.listed_at, held.last_end_at, held.last_success_at"""


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


async def by_number(tx: Tx, application_id: UUID, user_id: UUID, number: int) -> Connection:
    """One connection of the user, by the number that dialects with numeric ids know it by. Raises `NotFound`."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM connections WHERE application_id = $1 AND user_id = $2 AND number = $3",
        application_id,
        user_id,
        number,
    )
    return one(Connection, row, "connection")


async def count(tx: Tx, application_id: UUID, user_id: UUID, providers: Sequence[int] | None) -> int:
    """How many connections the user has, to these providers or to any."""
    return int(
        await tx.value(
            """
            SELECT count(*) FROM connections
            WHERE application_id = $1 AND user_id = $2 AND ($3::integer[] IS NULL OR provider_id = ANY($3))
            """,
            application_id,
            user_id,
            providers,
        )
    )


async def page(
    tx: Tx, application_id: UUID, user_id: UUID, providers: Sequence[int] | None, first: int, limit: int
) -> list[Connection]:
    """`limit` of the user's connections to these providers, or to any, from index `first`, oldest first."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM connections
        WHERE application_id = $1 AND user_id = $2 AND ($3::integer[] IS NULL OR provider_id = ANY($3))
        ORDER BY created_at, number OFFSET $4 LIMIT $5
        """,
        application_id,
        user_id,
        providers,
        first,
        limit,
    )
    return many(Connection, rows)


async def share(tx: Tx, application_id: UUID, connection_id: UUID) -> bool:
    """Keep the connection from being deleted until the transaction ends; False when there is none (any more)."""
    return bool(
        await tx.value(
            "SELECT true FROM connections WHERE application_id = $1 AND id = $2 FOR KEY SHARE",
            application_id,
            connection_id,
        )
    )


async def share_all(tx: Tx, application_id: UUID, user_id: UUID) -> list[Connection]:
    """All connections of the user, in any order, kept from being deleted until the transaction ends."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM connections WHERE application_id = $1 AND user_id = $2 ORDER BY id FOR KEY SHARE",
        application_id,
        user_id,
    )
    return many(Connection, rows)


async def lock(tx: Tx, application_id: UUID, connection_id: UUID) -> bool:
    """Be the only one who does anything for the connection until the transaction ends; False when there is none (any
    more).
    """
    return bool(
        await tx.value(
            "SELECT true FROM connections WHERE application_id = $1 AND id = $2 FOR UPDATE",
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


async def channels_of_user(tx: Tx, application_id: UUID, user_id: UUID) -> list[ConnectionChannel]:
    """The channels of all the user's connections."""
    rows = await tx.fetch(
        f"SELECT {_CHANNEL_COLUMNS} FROM connection_channels AS held WHERE application_id = $1 AND user_id = $2",
        application_id,
        user_id,
    )
    return many(ConnectionChannel, rows)


async def channel_states(tx: Tx, application_id: UUID, connection_id: UUID) -> list[ChannelState]:
    """How each of the connection's channels stands, in the order in which they are synchronised."""
    rows = await tx.fetch(
        """
        SELECT held.channel_id, held.status, held.error_code,
               channels.auth = 'redirect' AND held.consent_expires_at IS NULL AS awaits_consent,
               held.consent_expires_at, held.last_end_at, held.last_success_at
        FROM connection_channels AS held JOIN channels ON channels.id = held.channel_id
        WHERE held.application_id = $1 AND held.connection_id = $2 ORDER BY channels.place
        """,
        application_id,
        connection_id,
    )
    return many(ChannelState, rows)


async def unfinished_failed(tx: Tx, sync: Sync, error: SyncErrorCode) -> list[int]:
    """The sync failed as a whole: so did each of its channels that could run and has come to nothing yet; their ids."""
    rows = await tx.fetch(
        """
        UPDATE connection_channels AS held SET status = 'failed', error_code = $4, last_end_at = $5
        FROM channels
        WHERE held.application_id = $1 AND held.connection_id = $2 AND held.channel_id <> ALL($3::integer[])
              AND channels.id = held.channel_id AND NOT held.frozen
              AND (channels.auth <> 'redirect' OR held.consent_expires_at IS NOT NULL)
        RETURNING held.channel_id
        """,
        sync.application_id,
        sync.connection_id,
        [int(id) for id in sync.outcomes],
        error,
        tx.now,
    )
    return [row["channel_id"] for row in rows]


async def channel_listed(tx: Tx, application_id: UUID, connection_id: UUID, channel_id: int) -> None:
    """The channel's accounts were listed, because somebody asked for just that."""
    await tx.execute(
        """
        UPDATE connection_channels SET listed_at = $4
        WHERE application_id = $1 AND connection_id = $2 AND channel_id = $3
        """,
        application_id,
        connection_id,
        channel_id,
        tx.now,
    )


async def channel_ended(
    tx: Tx,
    application_id: UUID,
    connection_id: UUID,
    channel_id: int,
    status: ChannelStatus,
    error: SyncErrorCode | None,
) -> None:
    """The channel's run is over."""
    await tx.execute(
        """
        UPDATE connection_channels
        SET status = $4, error_code = $5, last_end_at = $6,
            last_success_at = CASE WHEN $4 IN ('success', 'partial') THEN $6 ELSE last_success_at END
        WHERE application_id = $1 AND connection_id = $2 AND channel_id = $3
        """,
        application_id,
        connection_id,
        channel_id,
        status,
        error,
        tx.now,
    )


async def freeze(tx: Tx, application_id: UUID, connection_id: UUID, channel_id: int, credentials: bytes | None) -> None:
    """What was refused is not tried again, unless the user has given something else than these sealed credentials
    meanwhile.
    """
    await tx.execute(
        """
        UPDATE connection_channels SET frozen = true
        WHERE application_id = $1 AND connection_id = $2 AND channel_id = $3 AND credentials IS NOT DISTINCT FROM $4
        """,
        application_id,
        connection_id,
        channel_id,
        credentials,
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


async def set_credentials(
    tx: Tx, application_id: UUID, connection_id: UUID, credentials: Mapping[int, bytes | None]
) -> None:
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


async def renewed(tx: Tx, application_id: UUID, connection_id: UUID, login_mask: str | None) -> Connection:
    """The user gave something new: show the login, and count failures anew. Raises `NotFound`."""
    row = await tx.row(
        f"""
        UPDATE connections SET login_mask = coalesce($3, login_mask), consecutive_errors = 0
        WHERE application_id = $1 AND id = $2 RETURNING {_COLUMNS}
        """,
        application_id,
        connection_id,
        login_mask,
    )
    return one(Connection, row, "connection")


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


async def asked_for_user(tx: Tx, application_id: UUID, connection_id: UUID) -> None:
    """The provider asked for its user."""
    await tx.execute(
        "UPDATE connections SET needs_user = true WHERE application_id = $1 AND id = $2",
        application_id,
        connection_id,
    )


async def delete(tx: Tx, application_id: UUID, connection_id: UUID) -> int:
    """Delete the connection and, by cascade, all its data; the number of connections deleted."""
    return await tx.execute(
        "DELETE FROM connections WHERE application_id = $1 AND id = $2", application_id, connection_id
    )


async def change(
    tx: Tx,
    application_id: UUID,
    connection_id: UUID,
    *,
    name: str | None = None,
    auto_sync: bool | None = None,
    consent_per_account: bool | None = None,
) -> None:
    """Make the connection so; None leaves it as it is."""
    await tx.execute(
        """
        UPDATE connections SET name = coalesce($3, name), auto_sync = coalesce($4, auto_sync),
                               consent_per_account = coalesce($5, consent_per_account)
        WHERE application_id = $1 AND id = $2
        """,
        application_id,
        connection_id,
        name,
        auto_sync,
        consent_per_account,
    )


async def delete_channels(tx: Tx, application_id: UUID, connection_id: UUID, channel_ids: Sequence[int]) -> None:
    """Unlink some of the connection's channels, with what was typed for them."""
    await tx.execute(
        "DELETE FROM connection_channels WHERE application_id = $1 AND connection_id = $2 AND channel_id = ANY($3)",
        application_id,
        connection_id,
        list(channel_ids),
    )
