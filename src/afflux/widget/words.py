"""What a connect session is for, in plain words."""

from collections.abc import Sequence

from afflux.domain.connect_sessions import ConnectAction, ProviderType, Wish

_PROVIDERS = {
    None: "a bank or a provider of documents",
    ProviderType.BANK: "a bank",
    ProviderType.DOCUMENT: "a provider of documents",
}
_CONNECTIONS = {
    None: "your connections",
    ProviderType.BANK: "your bank connections",
    ProviderType.DOCUMENT: "your connections to providers of documents",
}


def ask(wish: Wish, provider: str | None, connections: Sequence[str]) -> str:
    """What the user is asked to do, as it follows “asks you to”: “link a bank”.

    `provider` and `connections` are the names of those that the wish is about.
    """
    match wish.action:
        case ConnectAction.CREATE:
            return f"link {provider or _provider(wish)}"
        case ConnectAction.EDIT:
            return f"update how you log in to {_listed(connections)}"
        case ConnectAction.STATUS:
            return f"check {_connections(wish, connections)}"
        case ConnectAction.SYNC:
            return f"refresh {_connections(wish, connections)}"
        case ConnectAction.SUGGESTION:
            return f"suggest {f'“{wish.suggestion}”' if wish.suggestion else 'a provider'} to be added"


def _provider(wish: Wish) -> str:
    return _PROVIDERS[wish.type] + (f" ({wish.country})" if wish.country else "")


def _connections(wish: Wish, names: Sequence[str]) -> str:
    if not wish.connections:
        return _CONNECTIONS[wish.type]
    return f"your connection{'s' if len(names) > 1 else ''} to {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    if not names:
        return "a provider that is no longer linked"
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
