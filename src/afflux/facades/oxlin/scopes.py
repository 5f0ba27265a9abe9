"""What a token is good for (contract: section 2.4)."""

from collections.abc import Collection

CREATE_USERS = "users_create"
PROFILE = "profile"
EDIT_PROFILE = "profile_edit"
READ_ACCOUNTS = "accounts_read"
MANAGE_ACCOUNTS = "accounts_manage"
MANAGE_CONNECTIONS = "connections_manage"
SYNC_CONNECTIONS = "connections_sync"
READ_TRANSACTIONS = "transactions_read"

#: What a token of the application itself may do.
OF_CLIENTS = (CREATE_USERS,)
#: What a token that acts for a user may do.
OF_USERS = (
    "openid",
    PROFILE,
    EDIT_PROFILE,
    READ_ACCOUNTS,
    MANAGE_ACCOUNTS,
    MANAGE_CONNECTIONS,
    SYNC_CONNECTIONS,
    READ_TRANSACTIONS,
)
KNOWN = frozenset({*OF_CLIENTS, *OF_USERS})


class UnknownScope(ValueError):
    """A scope that does not exist, or none that could be given."""


def granted(wanted: str | None, possible: Collection[str]) -> tuple[str, ...]:
    """What is given where `wanted` (separated by spaces) is asked for: everything possible where nothing is.

    What exists but is for the other kind of token is left out. Raises `UnknownScope`.
    """
    names = (wanted or "").split(" ")
    asked = [name for name in names if name]
    if not set(asked) <= KNOWN:
        raise UnknownScope
    given = tuple(name for name in possible if name in asked or not asked)
    if not given:
        raise UnknownScope
    return given
