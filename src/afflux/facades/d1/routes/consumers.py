"""Consumers are registered, with or without cards (contract: section 11)."""

from litestar import put
from litestar.params import FromPath, JSONBody

from afflux.facades.d1.auth import FULL, entitled
from afflux.facades.d1.documented import problems
from afflux.facades.d1.given import GivenIssuer, GivenRuntime
from afflux.facades.d1.wire.consumers import Cards, Consumer
from afflux.services import consumers

_CONSUMER = "/banking/v1/issuers/{issuer_id:str}/consumers/{consumer_id:str}"


@put(_CONSUMER, status_code=204, guards=[entitled(FULL)], responses=problems(400, 403, 409, 415))
async def register_consumer(
    issuer_id: FromPath[str],
    consumer_id: FromPath[str],
    data: JSONBody[Consumer],
    issuer: GivenIssuer,
    runtime: GivenRuntime,
) -> None:
    """Register a consumer. Nothing happens to one who is registered already."""
    await consumers.register(runtime, issuer.principal, consumer_id)


@put(f"{_CONSUMER}/cards", status_code=204, guards=[entitled(FULL)], responses=problems(400, 403, 409, 415))
async def register_consumer_with_cards(
    issuer_id: FromPath[str],
    consumer_id: FromPath[str],
    data: JSONBody[Cards],
    issuer: GivenIssuer,
    runtime: GivenRuntime,
) -> None:
    """Register a consumer with cards that exist at the processor. They are kept sealed, and never opened."""
    user = await consumers.register(runtime, issuer.principal, consumer_id)
    await consumers.keep_cards(runtime, issuer.principal, user, {card.card_id: card for card in data.cards})


HANDLERS = (register_consumer, register_consumer_with_cards)
