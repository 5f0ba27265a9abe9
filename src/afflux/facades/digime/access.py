"""From what a token is worth to whose library it opens."""

from collections.abc import Collection
from uuid import UUID

from afflux.facades.digime import errors
from afflux.services.library_access import Standing


def user_of(found: tuple[Standing, UUID | None], good: Collection[Standing] = (Standing.GOOD,)) -> UUID:
    """Whose library the token opens. Raises `Refused` for one whose standing is not good enough."""
    standing, user_id = found
    if standing is Standing.REFRESH:
        raise errors.invalid_token_type("refresh_token", "access_token")
    if standing not in good or user_id is None:
        raise errors.invalid_token("access_token")
    return user_id
