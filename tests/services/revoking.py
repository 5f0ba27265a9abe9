"""A connector that withdraws consent when asked, or never answers, and writes down that it was asked."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from afflux.connectors.base import Context, Operation, Request
from afflux.domain.catalogue import Auth, Channel, Isolation, Kind, Manifest, Provider
from afflux.domain.challenges import Answer, FormField
from afflux.domain.messages import Done, Message

#: Confirms; never answers; raises.
WILLING, SILENT, BROKEN = 91_001, 91_002, 91_003


def _provider(id: int) -> Provider:
    fields = (FormField(name="login", label="Journal"), FormField(name="password", label="Nothing"))
    channel = Channel(id=id * 100, auth=Auth.CREDENTIALS, kinds=frozenset({Kind.ACCOUNTS}), fields=fields)
    return Provider(id=id, name=f"Revoking {id}", country="FR", channels=(channel,))


MANIFEST = Manifest(
    id="revoking",
    version="1",
    connector="tests.services.revoking:connector",
    isolation=Isolation.INLINE,
    revokes=True,
    providers=(_provider(WILLING), _provider(SILENT), _provider(BROKEN)),
)


class Revoking:
    """All three providers."""

    async def start(self, context: Context, request: Request) -> AsyncIterator[Message]:
        """Write the operation down, then do as the provider does."""
        assert request.operation is Operation.REVOKE
        with Path(request.secrets["login"]).open("a") as journal:
            journal.write(f"{request.provider_id}\n")
        if request.provider_id == SILENT:
            await asyncio.sleep(60)
        if request.provider_id == BROKEN:
            raise RuntimeError(request.secrets["password"])
        yield Done()

    async def resume(self, context: Context, request: Request, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        """Never parks."""
        yield Done()


connector = Revoking()
