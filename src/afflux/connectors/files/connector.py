"""The statement files connector: one file is one run."""

from collections.abc import AsyncIterator

from afflux.connectors.base import Connector, Context, Request
from afflux.connectors.files.assemble import messages
from afflux.connectors.files.detect import read
from afflux.connectors.files.safety import FileInvalid
from afflux.domain.challenges import Answer
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Done, Failure, Hint, Message, Progress


class StatementFiles:
    """Reads `request.file` whole before the first record leaves, so a broken file changes nothing."""

    async def start(self, context: Context, request: Request) -> AsyncIterator[Message]:
        """Read the file. Runs without one (a check, a schedule) have nothing to do."""
        if request.file is None:
            yield Done()
            return
        try:
            reading = read(request.file.content, request.file.mapping)
            found = list(messages(reading))
        except FileInvalid as error:
            yield Failure(SyncErrorCode.FILE_INVALID, str(error))
            return
        yield Hint(format=reading.format)
        yield Progress("history", 50)
        for message in found:
            yield message
        yield Progress("finish", 100)
        yield Done()

    async def resume(self, context: Context, request: Request, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        """Never happens: a file asks no questions."""
        yield Failure(SyncErrorCode.CHALLENGE_EXPIRED, "A statement file has no question to answer.")


connector: Connector = StatementFiles()
