"""Providers and channels as tables, written from the connectors' manifests, and the clocks of connectors."""

from collections.abc import Sequence

import msgspec

from afflux.domain.catalogue import Channel, Manifest, Provider
from afflux.store.database import Tx


async def publish(tx: Tx, manifests: Sequence[Manifest]) -> None:
    """Make the tables say what the manifests say; providers that no connector brings any more are no longer listed."""
    providers = [(manifest.id, provider) for manifest in manifests for provider in manifest.providers]
    await _upsert_providers(tx, providers)
    await _unlist_others(tx, [provider.id for _, provider in providers])
    await _upsert_channels(tx, [provider for _, provider in providers])


async def _upsert_providers(tx: Tx, providers: Sequence[tuple[str, Provider]]) -> None:
    await tx.connection.executemany(
        """
        INSERT INTO providers (id, connector, name, country, url, logo, status, kinds, properties)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (id) DO UPDATE SET connector = $2, name = $3, country = $4, url = $5, logo = $6, status = $7,
                                       kinds = $8, properties = $9, listed = true
        """,
        [
            (p.id, connector, p.name, p.country, p.url, p.logo, p.status, sorted(p.kinds), dict(p.properties))
            for connector, p in providers
        ],
    )


async def _unlist_others(tx: Tx, ids: Sequence[int]) -> None:
    await tx.execute("UPDATE providers SET listed = false WHERE listed AND id <> ALL($1::integer[])", list(ids))


async def _upsert_channels(tx: Tx, providers: Sequence[Provider]) -> None:
    await tx.connection.executemany(
        """
        INSERT INTO channels (id, provider_id, place, auth, kinds, form, limits) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO UPDATE SET provider_id = $2, place = $3, auth = $4, kinds = $5, form = $6, limits = $7
        """,
        [
            (c.id, p.id, place, c.auth, sorted(c.kinds), _form(c), msgspec.to_builtins(c.limits))
            for p in providers
            for place, c in enumerate(p.channels)
        ],
    )


def _form(channel: Channel) -> dict[str, object]:
    return {"fields": msgspec.to_builtins(channel.fields), "steps": msgspec.to_builtins(channel.steps)}


async def days_ahead(tx: Tx, connector: str) -> int:
    """Days by which the clock of this connector's banks runs ahead of ours."""
    days = await tx.value("SELECT days_ahead FROM connector_clocks WHERE connector = $1", connector)
    return days or 0


async def advance(tx: Tx, connector: str, days: int) -> int:
    """Move the clock of this connector's banks on; the days it is ahead now."""
    total: int = await tx.value(
        """
        INSERT INTO connector_clocks (connector, days_ahead) VALUES ($1, $2)
        ON CONFLICT (connector) DO UPDATE SET days_ahead = connector_clocks.days_ahead + $2 RETURNING days_ahead
        """,
        connector,
        days,
    )
    return total
