"""A letter to a person, and what may happen to it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """What a person is to read."""

    #: The same each time this letter is sent, so that a mailbox shows a repetition once.
    id: str
    #: The address alone.
    to: str
    subject: str
    text: str


class Undelivered(Exception):
    """A letter could not be handed over. The text says why without naming anybody."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        #: Whether another attempt is pointless.
        self.for_good = for_good
