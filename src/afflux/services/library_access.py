"""Whose library an access token opens."""

from enum import Enum, auto
from uuid import UUID

from afflux.domain.contracts import Contract
from afflux.services.grants import hashed
from afflux.store import library_grants as store
from afflux.store.database import Tx


class Standing(Enum):
    """What a token is worth."""

    GOOD = auto()
    #: It was good; its refresh token may still be.
    OVER = auto()
    #: A refresh token, which opens nothing.
    REFRESH = auto()
    BAD = auto()


async def look(tx: Tx, contract: Contract, token: str, *, any_contract: bool = False) -> tuple[Standing, UUID | None]:
    """The token's standing with a contract, and whose library it is about where it was ever good.

    With `any_contract`, a token of another contract of the same application counts as well; one of another
    application never does.
    """
    grant = await store.by_token(tx, contract.registration.application.id, hashed(token))
    if grant is None or not (any_contract or grant.registration_id == contract.registration.id):
        return Standing.BAD, None
    if grant.is_refresh:
        return Standing.REFRESH, None
    if grant.revoked_at is not None or grant.spent_at is not None:
        return Standing.BAD, None
    return (Standing.GOOD if grant.access_expires_at > tx.now else Standing.OVER), grant.user_id
