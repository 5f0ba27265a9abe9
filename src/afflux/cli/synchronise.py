"""`afflux sync`: synchronise before your eyes, with the bank's questions on the terminal."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from afflux.cli.options import Data, Json, Name, UserOption, emit, err, find_user, operator, run, safe, say, settings
from afflux.cli.questions import Ask, asker
from afflux.domain.challenges import ChallengeKind
from afflux.domain.connections import Connection
from afflux.domain.errors import SYNC_ERRORS, AffluxError, Conflict, InvalidInput
from afflux.domain.principal import Principal
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.local import command_runtime
from afflux.runtime import Runtime
from afflux.services import challenges, syncs
from afflux.store import connections
from afflux.store import syncs as store

#: Seconds between two looks at a sync.
_LOOK = 0.1
#: Seconds after which somebody who waits for a worker is told so.
_PATIENCE = 10.0


def add_to(cli: typer.Typer) -> None:
    """Add this command."""
    cli.command("sync")(sync_command)


def sync_command(
    name: Name,
    user: UserOption,
    connection: Annotated[
        UUID | None, typer.Option("--connection", metavar="ID", help="Only this one.", show_default=False)
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option("--answer", metavar="STEP=VALUE", help="Answer to a step, given beforehand.", show_default=False),
    ] = None,
    accounts: Annotated[
        bool, typer.Option("--accounts", help="List the accounts first; brings deleted ones back.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Synchronise a user's connections and wait for the outcome.

    A step such as an SMS code is asked on the terminal. With --json it is
    answered from --answer only, and the outcome is printed as one object, or
    as a list where the user has several connections.

    Exits with 1 when a sync failed, and with 3 when one waits for an answer.
    """
    given = _pairs(answer or [])
    kind = SyncKind.ACCOUNTS if accounts else SyncKind.ALL
    ended = run(_synchronise(data, name, user, connection, kind, given, live=not json))
    outcomes = [outcome(sync) for sync in ended]
    emit(json, outcomes[0] if len(outcomes) == 1 else outcomes, lambda: _show(ended))
    if any(sync.status is SyncStatus.WAITING for sync in ended):
        raise typer.Exit(3)
    if any(sync.status is not SyncStatus.FINISHED for sync in ended):
        raise typer.Exit(1)


def _pairs(answers: list[str]) -> dict[str, str]:
    if wrong := [pair for pair in answers if "=" not in pair]:
        raise InvalidInput(f"--answer {wrong[0]!r} is not STEP=VALUE")
    return {step: value for step, _, value in (pair.partition("=") for pair in answers)}


def outcome(sync: Sync) -> dict[str, Any]:
    """What came of a sync, as JSON."""
    return {
        "sync": sync.id,
        "connection": sync.connection_id,
        "kind": sync.kind,
        "status": sync.status,
        "error": sync.error_code,
        "detail": sync.error_detail,
        "step": sync.challenge["name"] if sync.challenge else None,
        "requested_at": sync.requested_at,
        "ended_at": sync.ended_at,
        **sync.result,
    }


async def _synchronise(
    data: Data, name: str, email: str, only: UUID | None, kind: SyncKind, given: Mapping[str, str], *, live: bool
) -> list[Sync]:
    async with command_runtime(settings(data), work=True) as runtime:
        async with runtime.database.transaction() as tx:
            application, user = await find_user(tx, name, email)
            linked = await connections.of_user(tx, application.id, user.id)
        chosen = [connection for connection in linked if only in (None, connection.id)]
        if not chosen:
            raise AffluxError("the user has no such connection" if only else "the user has no connections yet")
        ask = asker(given, interactive=live)
        return await watch(runtime, operator(application, user), chosen, kind, ask, live=live)


async def watch(
    runtime: Runtime, principal: Principal, chosen: list[Connection], kind: SyncKind, ask: Ask, *, live: bool
) -> list[Sync]:
    """Request a sync of each connection and follow them all to their ends, with a progress bar each where `live`."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    turn = asyncio.Lock()
    with Progress(*columns, console=err, disable=not live) as progress:
        followed = [_Followed(runtime, principal, each, kind, ask, progress, turn) for each in chosen]
        return list(await asyncio.gather(*(each.follow() for each in followed)))


@dataclass(slots=True)
class _Followed:
    """One connection being synchronised."""

    runtime: Runtime
    principal: Principal
    connection: Connection
    kind: SyncKind
    ask: Ask
    progress: Progress
    #: One question at a time: there is only one person at the terminal.
    turn: asyncio.Lock

    async def follow(self) -> Sync:
        bar = self.progress.add_task(self.connection.name, total=100, state="pending")
        async with self.runtime.database.transaction() as tx:
            sync = await syncs.request(tx, self.principal, self.connection, self.kind, interactive=True)
        impatient_at = time.monotonic() + _PATIENCE
        while True:
            async with self.runtime.database.transaction() as tx:
                sync = await store.by_id(tx, sync.application_id, sync.id)
            self._draw(bar, sync)
            if not sync.status.active or (sync.status is SyncStatus.WAITING and not await self._answered(sync)):
                return sync
            if sync.started_at is None and time.monotonic() > impatient_at:
                err.print("afflux: no worker has taken it yet; is one running?", soft_wrap=True)
                impatient_at = float("inf")
            await asyncio.sleep(_LOOK)

    def _draw(self, bar: TaskID, sync: Sync) -> None:
        state = f"{sync.status} {sync.phase or ''}" if sync.status is SyncStatus.RUNNING else str(sync.status)
        done = 100 if sync.status is SyncStatus.FINISHED else sync.percent
        self.progress.update(bar, completed=done or 0, state=state)

    async def _answered(self, sync: Sync) -> bool:
        """Answer the open challenge. False when there is no answer to give."""
        challenge = challenges.open_challenge(sync)
        if challenge.kind is ChallengeKind.DECOUPLED:
            return True
        async with self.turn:
            self.progress.stop()
            given = await self.ask(self.connection.name, challenge)
            self.progress.start()
        if given is None:
            return False
        try:
            async with self.runtime.database.transaction() as tx:
                await challenges.answer(tx, self.runtime.vault, self.principal, self.connection, given)
        except Conflict:
            err.print("afflux: too late, the step is over", soft_wrap=True)
        except InvalidInput as error:
            err.print(f"afflux: {safe(error)}", soft_wrap=True)
        return True


def _show(ended: list[Sync]) -> None:
    for sync in ended:
        say(f"{sync.connection_id}  [bold]{sync.status}[/bold]  {safe(summary(sync))}")
        for warning in sync.result.get("warnings", []):
            say(f"  [yellow]{safe(warning['code'])}[/yellow] {safe(warning['text'])}")


def summary(sync: Sync) -> str:
    """What came of a sync, for people."""
    if sync.status is SyncStatus.WAITING:
        return f"needs an answer: {(sync.challenge or {}).get('name')}"
    if sync.error_code is not None and sync.status is not SyncStatus.FINISHED:
        detail = f" ({sync.error_detail})" if sync.error_detail else ""
        return f"{sync.error_code}: {SYNC_ERRORS[sync.error_code].text}{detail}"
    counts = sync.result.get("transactions", {})
    rows = ", ".join(f"{count} {what}" for what, count in counts.items())
    papers = sync.result.get("documents_added", 0)
    return f"accounts: {sync.result.get('accounts', 0)}; transactions: {rows}; new documents: {papers}" if rows else ""
