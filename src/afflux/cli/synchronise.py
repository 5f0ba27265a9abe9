"""`afflux sync`: synchronise before your eyes, with the bank's questions on the terminal."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.prompt import Prompt

from afflux.cli.options import Data, Json, Name, UserOption, emit, err, find_user, operator, out, run, settings
from afflux.domain.challenges import Answer, Challenge, ChallengeKind, FieldType
from afflux.domain.connections import Connection
from afflux.domain.errors import SYNC_ERRORS, AffluxError, Conflict, InvalidInput
from afflux.domain.principal import Principal
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.local import command_runtime
from afflux.runtime import Runtime
from afflux.services import syncs
from afflux.store import connections
from afflux.store import syncs as store

#: Seconds between two looks at a sync.
_LOOK = 0.1

#: Gives the answer to a challenge, or None to leave it open.
Ask = Callable[[Challenge], Answer | None]


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
    """Synchronise a user's connections and wait for the outcome; a step such as an SMS code is asked on the terminal.

    With --json the outcome is printed as one object, or as a list where the user has several connections; a step is then
    answered from --answer only. Exits with 1 when a sync failed, and with 3 when one waits for an answer.
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
        ask = _asker(given, interactive=live)
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
    with Progress(*columns, console=err, disable=not live) as progress:
        followed = [_Followed(runtime, principal, each, kind, ask, progress) for each in chosen]
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

    async def follow(self) -> Sync:
        bar = self.progress.add_task(self.connection.name, total=100, state="pending")
        async with self.runtime.database.transaction() as tx:
            sync = await syncs.request(tx, self.principal, self.connection, self.kind, interactive=True)
        while True:
            async with self.runtime.database.transaction() as tx:
                sync = await store.by_id(tx, sync.application_id, sync.id)
            self._draw(bar, sync)
            if not sync.status.active or (sync.status is SyncStatus.WAITING and not await self._answered(sync)):
                return sync
            await asyncio.sleep(_LOOK)

    def _draw(self, bar: TaskID, sync: Sync) -> None:
        state = f"{sync.status} {sync.phase or ''}" if sync.status is SyncStatus.RUNNING else str(sync.status)
        done = 100 if sync.status is SyncStatus.FINISHED else sync.percent
        self.progress.update(bar, completed=done or 0, state=state)

    async def _answered(self, sync: Sync) -> bool:
        """Answer the open challenge. False when there is no answer to give."""
        challenge = syncs.open_challenge(sync)
        if challenge.kind is ChallengeKind.DECOUPLED:
            return True
        self.progress.stop()
        given = await asyncio.to_thread(self.ask, challenge)
        self.progress.start()
        if given is None:
            return False
        try:
            async with self.runtime.database.transaction() as tx:
                await syncs.answer(tx, self.runtime.vault, self.principal, self.connection, given)
        except Conflict:
            err.print("too late: the step is over")
        return True


def _asker(given: Mapping[str, str], *, interactive: bool) -> Ask:
    """Answers from the command line first, once each, then from the terminal."""
    left = dict(given)

    def ask(challenge: Challenge) -> Answer | None:
        names = wanted(challenge)
        if names and all(name in left for name in names):
            return Answer(values={name: left.pop(name) for name in names})
        return _ask_terminal(challenge) if interactive else None

    return ask


def wanted(challenge: Challenge) -> list[str]:
    """The names of the values that answer a challenge."""
    match challenge.kind:
        case ChallengeKind.CHOICE:
            return ["choice"]
        case ChallengeKind.CONFIRM:
            return ["confirm"]
        case ChallengeKind.REDIRECT:
            return ["redirect"]
    return [field.name for field in challenge.fields]


def _ask_terminal(challenge: Challenge) -> Answer | None:
    err.print(f"[bold]{challenge.text or challenge.name}[/bold]")
    if challenge.url:
        err.print(f"  open {challenge.url}")
    try:
        match challenge.kind:
            case ChallengeKind.CHOICE:
                for key, text in challenge.choices.items():
                    err.print(f"  {key}: {text}")
                return Answer(values={"choice": Prompt.ask("Choice", console=err, choices=list(challenge.choices))})
            case ChallengeKind.CONFIRM:
                return Answer(values={"confirm": Prompt.ask("Confirm", console=err, choices=["yes", "no"])})
            case ChallengeKind.REDIRECT:
                return Answer(values={"redirect": Prompt.ask("Parameters it came back with", console=err)})
        return Answer(values={field.name: _ask_field(field.label, field.type) for field in challenge.fields})
    except EOFError:
        return None


def _ask_field(label: str, type: FieldType) -> str:
    return Prompt.ask(label, console=err, password=type is FieldType.PASSWORD and sys.stdin.isatty())


def _show(ended: list[Sync]) -> None:
    for sync in ended:
        out.print(f"{sync.connection_id}  [bold]{sync.status}[/bold]  {_summary(sync)}")
        for warning in sync.result.get("warnings", []):
            out.print(f"  [yellow]{warning['code']}[/yellow] {warning['text']}")


def _summary(sync: Sync) -> str:
    if sync.error_code is not None and sync.status is not SyncStatus.FINISHED:
        return f"{sync.error_code}: {SYNC_ERRORS[sync.error_code].text} {sync.error_detail or ''}".strip()
    counts = sync.result.get("transactions", {})
    rows = ", ".join(f"{count} {what}" for what, count in counts.items())
    documents = sync.result.get("documents_added", 0)
    return f"{sync.result.get('accounts', 0)} accounts; transactions: {rows}; {documents} new documents" if rows else ""
