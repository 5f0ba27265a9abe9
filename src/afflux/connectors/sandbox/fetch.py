"""The history of one account, given page by page."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice

from afflux.connectors.sandbox.books import HISTORY_DAYS, OVERLAP_DAYS, Book
from afflux.domain.messages import Checkpoint, Message, Removed
from afflux.domain.records import TransactionRecord

#: Rows that the bank gives in one answer.
PAGE = 10_000


class Fetch:
    """Everything between the day from which we want to know and today."""

    def __init__(self, book: Book, cursor: str | None, today: date) -> None:
        self._book = book
        self._first = _first_day(book, cursor, today)
        self._last = today
        self._rows = iter(book.rows(self._first, today))
        self.pages = 1 + book.size // PAGE
        self.ended = False

    def page(self) -> list[TransactionRecord]:
        """Return the rows of the next page."""
        rows = list(islice(self._rows, PAGE))
        self.ended = len(rows) < PAGE
        return rows

    def end(self) -> Iterator[Message]:
        """Say what does not exist any more, and that everything between the two days was given."""
        key = self._book.account.key
        for gone in self._book.removed:
            yield Removed(key, gone)
        yield Checkpoint(
            account_key=key,
            cursor=self._last.isoformat(),
            complete_from=self._first,
            complete_to=self._last,
        )


def _first_day(book: Book, cursor: str | None, today: date) -> date:
    usual = today - timedelta(days=HISTORY_DAYS)
    oldest = min(usual, book.since or usual)
    if cursor is None or book.whole:
        return oldest
    return max(oldest, date.fromisoformat(cursor) - timedelta(days=OVERLAP_DAYS))
