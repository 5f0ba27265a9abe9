"""Consumers and the cards they are registered with (contract: section 11)."""

from typing import Annotated, Any, Literal

import msgspec

CardId = Annotated[str, msgspec.Meta(min_length=1, max_length=48)]


class Consumer(msgspec.Struct):
    """A consumer to be registered."""

    #: Deprecated, and ignored.
    state: Any = None


class Card(msgspec.Struct, rename="camel", kw_only=True):
    """A card that exists at the issuer's processor."""

    card_id: CardId
    card_product_id: str | msgspec.UnsetType = msgspec.UNSET
    state: Literal["ACTIVE", "INACTIVE"] | msgspec.UnsetType = msgspec.UNSET
    #: A compact JWE; kept as it is, never opened.
    encrypted_data: str | msgspec.UnsetType = msgspec.UNSET
    #: Deprecated.
    account_id: str | msgspec.UnsetType = msgspec.UNSET


class Cards(msgspec.Struct):
    """The cards of a consumer to be registered."""

    cards: Annotated[list[Card], msgspec.Meta(max_length=100)]
