"""Runs the connector on bytes and sorts what it yields."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from afflux.connectors.base import Context, File, Operation, Request
from afflux.connectors.files.connector import connector
from afflux.domain.messages import Checkpoint, Failure, Hint, Message, Warning
from afflux.domain.records import AccountRecord, TransactionRecord

SAMPLES = Path(__file__).parent / "samples"
_NOW = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    """All messages of one run."""

    messages: list[Message]

    def only(self, kind: type) -> list:
        return [message for message in self.messages if isinstance(message, kind)]

    @property
    def format(self) -> str:
        return self.only(Hint)[0].format

    @property
    def accounts(self) -> list[AccountRecord]:
        return self.only(AccountRecord)

    @property
    def transactions(self) -> list[TransactionRecord]:
        return self.only(TransactionRecord)

    @property
    def checkpoints(self) -> list[Checkpoint]:
        return self.only(Checkpoint)

    @property
    def warnings(self) -> list[str]:
        return [warning.code for warning in self.only(Warning)]

    @property
    def failure(self) -> str:
        """The one line of a failed run, which must have yielded nothing else."""
        assert len(self.messages) == 1, self.messages
        failure = self.messages[0]
        assert isinstance(failure, Failure)
        assert failure.code == "file_invalid"
        assert failure.detail
        assert "\n" not in failure.detail
        return failure.detail

    @property
    def total(self) -> Decimal:
        return sum((record.amount for record in self.transactions), Decimal(0))


async def read(content: bytes | str, mapping: str | None = None) -> Outcome:
    """Everything the connector yields for this file. Its name lies on purpose: only content may count."""
    content = content.encode() if isinstance(content, str) else content
    context = Context(interactive=False, now=_NOW, deadline=_NOW + timedelta(minutes=5))
    request = Request(
        operation=Operation.SYNC,
        provider_id=10,
        channel_id=1000,
        connection_ref="c",
        file=File(name="holiday.jpg", content=content, mapping=mapping),
    )
    return Outcome([message async for message in connector.start(context, request)])


async def read_sample(name: str) -> Outcome:
    """A sample file, by its path below `samples`."""
    return await read((SAMPLES / name).read_bytes())
