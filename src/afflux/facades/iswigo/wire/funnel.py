"""Funnel sessions (contract: sections 5.7 and 7.8), and the two ways to say what one is for."""

from typing import Annotated
from uuid import UUID

import msgspec

from afflux.domain.connect_sessions import ConnectAction, ProviderType, Wish
from afflux.facades.iswigo.errors import Refused

#: Actions with the older spellings, which name a type as well.
_ACTIONS: dict[str, tuple[ConnectAction, ProviderType | None]] = {
    **{str(action): (action, None) for action in ConnectAction},
    **{
        f"{action} {type}": (action, type)
        for action in (ConnectAction.CREATE, ConnectAction.STATUS, ConnectAction.SYNC)
        for type in ProviderType
    },
}


class NewSession(msgspec.Struct, kw_only=True):
    """What the user is to do."""

    #: `create`, `edit`, `status`, `sync` or `suggestion`; the older spellings `create bank`, `sync document` … name
    #: the type as well.
    action: str
    #: One to edit; any, or none for all, to see and to synchronise.
    connections: list[UUID] | None = None
    #: Limits the providers, unless the action names it.
    type: ProviderType | None = None
    #: ISO 3166-1 alpha-2; limits the providers.
    country: Annotated[str, msgspec.Meta(pattern="^[A-Za-z]{2}", max_length=2)] | None = None
    #: Kept for applications that agreed on scopes with the operator.
    scope: int | None = None
    #: The one provider to link.
    provider: int | None = None
    #: How the provider is called that the user misses.
    suggestion: Annotated[str, msgspec.Meta(max_length=255)] | None = None


class Session(msgspec.Struct):
    """A page that is open for the user for an hour."""

    session_id: str
    #: Where the user's browser is to go.
    uri: str


def wish(asked: NewSession) -> Wish:
    """What is asked, in the one spelling that we keep. Raises `Refused`."""
    if asked.action not in _ACTIONS:
        raise Refused(400, "Invalid action")
    action, type = _ACTIONS[asked.action]
    if type is not None and asked.type not in (None, type):
        raise Refused(400, "Invalid type")
    return Wish(
        action=action,
        type=type or asked.type,
        connections=tuple(dict.fromkeys(asked.connections or ())),
        country=asked.country and asked.country.upper(),
        scope=asked.scope,
        provider=asked.provider,
        suggestion=asked.suggestion,
    )
