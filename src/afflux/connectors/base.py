"""The contract between Afflux and a connector.

A connector is a folder with a `Manifest`, named in the entry-point group `afflux.connectors`, and a class that
fulfils `Connector`. It sees one run of one channel of one connection: no database, no tenant, nothing of anybody
else.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from afflux.domain.challenges import Answer
from afflux.domain.messages import Message


class Operation(StrEnum):
    """What a run is for."""

    #: Log in, nothing else.
    CHECK = "check"
    #: List the accounts.
    DISCOVER = "discover"
    #: Accounts, transactions and documents.
    SYNC = "sync"
    #: Withdraw consent and forget tokens at the provider.
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file the user handed in, for channels with `Auth.FILE`."""

    name: str
    content: bytes
    #: How to read columns, for formats that do not say so themselves (CSV): a JSON object.
    mapping: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The circumstances of a run."""

    #: The user is there and can answer a challenge. Otherwise never trigger an SMS or a push: fail with
    #: `user_presence_required`.
    interactive: bool
    #: The server's clock when the run began, with its offset.
    now: datetime
    #: When the core gives up.
    deadline: datetime
    #: Where a redirect challenge has to send the browser back to, with what is in its query: our `state`.
    redirect_url: str | None = None
    #: Where an operator may leave files for this connector: a folder called by its id in the data folder. Need not
    #: exist.
    folder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to do, and everything a run may know for it."""

    operation: Operation
    provider_id: int
    channel_id: int
    #: Opaque and stable per connection, for consents and logs at the provider; not our row id.
    connection_ref: str
    #: The values of the channel's form fields, by name.
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: What the last `StateUpdate` kept.
    state: bytes | None = field(default=None, repr=False)
    #: The last `Checkpoint.cursor` by account key.
    cursors: Mapping[str, str] = field(default_factory=dict)
    file: File | None = field(default=None, repr=False)


class Connector(Protocol):
    """Talks to providers of one kind. Methods are asynchronous generators of messages; the last is `Park`, `Failure`
    or `Done`.

    `Failure` is yielded for what the connector understands. An exception means that the connector is broken.
    """

    def start(self, context: Context, request: Request) -> AsyncIterator[Message]:
        """Run from the beginning."""
        ...

    def resume(self, context: Context, request: Request, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        """Go on after a `Park`, perhaps in another process, with what was parked and the human's answer."""
        ...
