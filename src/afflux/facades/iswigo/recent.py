"""Access tokens that were right a moment ago, so that a client who reads page after page is looked up once."""

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afflux.domain.users import User

#: Seconds for which a token is not checked again; the user may be gone for as long, erased by another process.
_FRESH = 2.0
#: Tokens kept.
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Seen:
    user: User
    #: When the token ends (Unix time), and when it is to be checked again (monotonic).
    expires: float
    until: float


class RecentTokens:
    """The user of each, by token and the application that it was presented by."""

    def __init__(self) -> None:
        self._seen: dict[tuple[UUID, str], _Seen] = {}

    def user(self, application_id: UUID, token: str, now: datetime) -> User | None:
        """Whose token it is; None for one that has to be checked."""
        seen = self._seen.get((application_id, token))
        good = seen is not None and time.monotonic() < seen.until and now.timestamp() < seen.expires
        return seen.user if seen is not None and good else None

    def keep(self, application_id: UUID, token: str, user: User, expires: float) -> None:
        """Remember a token that is right."""
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[application_id, token] = _Seen(user, expires, time.monotonic() + _FRESH)

    def forget(self, user_id: UUID) -> None:
        """Check the tokens of this user again."""
        self._seen = {key: seen for key, seen in self._seen.items() if seen.user.id != user_id}
