"""The conversation with a connector: what it is told, and that everything it yields is taken in."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

import msgspec

from afflux.connectors import host
from afflux.connectors.base import Context, File, Operation, Request
from afflux.domain.challenges import Answer
from afflux.domain.connections import ConnectionChannel
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Done, Failure, Message, Park
from afflux.domain.syncs import SyncKind
from afflux.jobs.run import Run
from afflux.services import challenges, places
from afflux.services.intake import Intake


def intake_of(run: Run, channel: ConnectionChannel, *, whole: bool = False) -> Intake:
    """What takes in one run of a channel."""
    manifest, _ = run.manifest(channel.channel_id)
    place, count = run.channels.index(channel), len(run.channels)
    return Intake(
        database=run.runtime.database,
        sealer=run.sealer,
        sync=run.sync,
        channel_id=channel.channel_id,
        known=run.known,
        result=run.result,
        whole=whole,
        grows=run.sync.stage is SyncKind.ACCOUNTS or (run.sync.kind is SyncKind.ALL and channel.listed_at is None),
        ahead=timedelta(days=run.ahead[manifest.id]),
        share=(100 * place / count, 100 * (place + 1) / count),
    )


async def consume(
    run: Run, channel: ConnectionChannel, intake: Intake, file: File | None = None
) -> Park | Failure | Done:
    """Take in everything the connector yields; its last message."""
    async with aclosing(_messages(run, channel, file)) as messages:
        async for message in messages:
            if isinstance(message, Park | Failure | Done):
                return message
            await intake.take(message)
    return Failure(SyncErrorCode.CONNECTOR_BROKEN, "it ended without a word")


def _messages(run: Run, channel: ConnectionChannel, file: File | None) -> AsyncGenerator[Message, None]:
    manifest, _ = run.manifest(channel.channel_id)
    sync = run.sync
    now = run.runtime.clock.now() + timedelta(days=run.ahead[manifest.id])
    context = Context(
        interactive=sync.interactive,
        now=now,
        deadline=now + timedelta(seconds=run.runtime.settings.sync_seconds),
        redirect_url=challenges.way_back(run.runtime.vault, run.runtime.settings.public_url, sync),
        folder=str(run.runtime.settings.data / manifest.id),
    )
    operation = Operation.DISCOVER if sync.stage is SyncKind.ACCOUNTS else Operation.SYNC
    request = Request(
        operation=operation,
        provider_id=sync.provider_id,
        channel_id=channel.channel_id,
        connection_ref=str(sync.connection_id),
        secrets=_secrets(run, channel),
        state=_state(run, channel),
        cursors=run.cursors,
        file=file,
    )
    if sync.parked is None or sync.channel_id != channel.channel_id:
        return host.run(manifest, context, request)
    parked = run.sealer.open(places.parked(sync.application_id, sync.id), sync.parked)
    return host.run(manifest, context, request, parked=parked, answer=_answer(run))


def _secrets(run: Run, channel: ConnectionChannel) -> dict[str, str]:
    if channel.credentials is None:
        return {}
    place = places.credentials(channel.application_id, channel.connection_id, channel.channel_id)
    return msgspec.json.decode(run.sealer.open(place, channel.credentials), type=dict[str, str])


def _state(run: Run, channel: ConnectionChannel) -> bytes | None:
    if channel.state is None:
        return None
    place = places.channel_state(channel.application_id, channel.connection_id, channel.channel_id)
    return run.sealer.open(place, channel.state)


def _answer(run: Run) -> Answer:
    if run.sync.answer is None:
        return Answer(poll=True)
    place = places.answer(run.sync.application_id, run.sync.id)
    return msgspec.json.decode(run.sealer.open(place, run.sync.answer), type=Answer)
