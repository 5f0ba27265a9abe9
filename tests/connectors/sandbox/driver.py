"""A small core: runs the sandbox connector, keeps what it says to keep, and answers what it asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from afflux.connectors.base import Context, Operation, Request
from afflux.connectors.sandbox.connector import SandboxConnector, create
from afflux.domain.challenges import Answer
from afflux.domain.messages import Checkpoint, Failure, Message, Park, StateUpdate
from afflux.domain.records import AccountRecord, TransactionRecord

START = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
POLL = Answer(poll=True)

Kind = TypeVar("Kind")


def typed(**values: str) -> Answer:
    return Answer(values=values)


@dataclass(frozen=True)
class Run:
    messages: list[Message]

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [message for message in self.messages if isinstance(message, kind)]

    @property
    def last(self) -> Message:
        return self.messages[-1]

    @property
    def failure(self) -> Failure:
        assert isinstance(self.last, Failure), self.last
        return self.last

    @property
    def park(self) -> Park:
        assert isinstance(self.last, Park), self.last
        return self.last

    @property
    def accounts(self) -> dict[str, AccountRecord]:
        return {account.key: account for account in self.of(AccountRecord)}

    @property
    def rows(self) -> list[TransactionRecord]:
        return self.of(TransactionRecord)

    def row(self, text: str) -> TransactionRecord:
        found = [row for row in self.rows if text in row.text]
        assert len(found) == 1, found
        return found[0]


@dataclass
class Connection:
    """One connection to a sandbox bank, on a clock that the test moves."""

    login: str
    provider: int = 1000
    password: str = "123456"
    now: datetime = START
    state: bytes | None = None
    cursors: dict[str, str] = field(default_factory=dict)

    def later(self, **delta: float) -> "Connection":
        self.now += timedelta(**delta)
        return self

    async def sync(self, *answers: Answer, interactive: bool = True) -> Run:
        return await self.run(Operation.SYNC, *answers, interactive=interactive)

    async def run(self, operation: Operation, *answers: Answer, interactive: bool = True) -> Run:
        run = await self._keep(operation, interactive, None, None)
        for answer in answers:
            run = await self.answer(run.park, answer, operation)
        return run

    async def answer(self, park: Park, answer: Answer, operation: Operation = Operation.SYNC) -> Run:
        """Answer as another process would: nothing but the parked bytes is left of the first run."""
        return await self._keep(operation, True, park.parked, answer)

    async def _keep(self, operation: Operation, interactive: bool, parked: bytes | None, answer: Answer | None) -> Run:
        messages = await self.messages(operation, interactive, parked, answer)
        for message in messages:
            if isinstance(message, StateUpdate):
                self.state = message.state
            if isinstance(message, Checkpoint) and message.cursor is not None:
                self.cursors[message.account_key] = message.cursor
        return Run(messages)

    async def messages(
        self,
        operation: Operation = Operation.SYNC,
        interactive: bool = True,
        parked: bytes | None = None,
        answer: Answer | None = None,
    ) -> list[Message]:
        """Run without keeping anything."""
        connector = self.connector()
        context, request = self.context(interactive), self.request(operation)
        if parked is None or answer is None:
            return [message async for message in connector.start(context, request)]
        return [message async for message in connector.resume(context, request, parked, answer)]

    def connector(self) -> SandboxConnector:
        return create(0.0)

    def context(self, interactive: bool = True) -> Context:
        return Context(
            interactive=interactive,
            now=self.now,
            deadline=self.now + timedelta(minutes=5),
            redirect_url="https://server.example/back?state=abc",
        )

    def request(self, operation: Operation = Operation.SYNC) -> Request:
        return Request(
            operation=operation,
            provider_id=self.provider,
            channel_id=self.provider * 100,
            connection_ref="connection",
            secrets=self.secrets,
            state=self.state,
            cursors=dict(self.cursors),
        )

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"login": self.login, "password": self.password}


async def on_days(login: str, days: Sequence[int]) -> list[Run]:
    """Synchronise a new connection on each of some days, counted from the first sync."""
    connection = Connection(login)
    runs = []
    for day in days:
        connection.now = START + timedelta(days=day)
        runs.append(await connection.sync())
    return runs
