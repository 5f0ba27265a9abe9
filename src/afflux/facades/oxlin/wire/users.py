"""Users (contract: section 3.1), and what is asked with them."""

from collections.abc import Iterator
from typing import Any

import msgspec

from afflux.domain.users import User
from afflux.facades.oxlin.wire.values import epoch

#: Members of the profile that this dialect reads and writes.
PROFILE = ("first_name", "last_name", "gender", "birthdate", "address")

#: Characters of a name or of a line of an address, and lines.
_LONGEST, _MOST_LINES = 255, 20
#: Seconds since 1970, from 1800 to 2200.
_LIFETIMES = range(-5_364_662_400, 7_258_118_400)


class UserObject(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A user. What is not known is left out."""

    id: str
    #: What the user signs in with.
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    #: `MALE` or `FEMALE`.
    gender: str | None = None
    #: Seconds since 1970.
    birthdate: int | None = None
    address: dict[str, Any] | None = None
    #: Seconds since 1970.
    creation_date: int


class UserId(msgspec.Struct):
    """A user that was made."""

    id: str


class UserFields(msgspec.Struct, kw_only=True):
    """What an application may say of a user; what is left out stays as it is."""

    email: str | None = None
    password: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    gender: str | None = None
    #: Seconds since 1970.
    birthdate: int | None = None
    address: dict[str, Any] | None = None

    def profile(self) -> dict[str, Any]:
        """The members of the profile that were given."""
        return {name: value for name in PROFILE if (value := getattr(self, name)) is not None}

    def wrong(self) -> Iterator[str]:
        """The members of the profile that cannot be kept."""
        for name in ("first_name", "last_name"):
            if len(getattr(self, name) or "") > _LONGEST:
                yield name
        if self.gender not in (None, "MALE", "FEMALE"):
            yield "gender"
        if self.birthdate is not None and self.birthdate not in _LIFETIMES:
            yield "birthdate"
        if self.address is not None and not _is_address(self.address):
            yield "address"


class NewUser(UserFields, kw_only=True):
    """A user to be made."""

    email: str
    password: str


def _is_address(address: dict[str, Any]) -> bool:
    texts = [text for pair in address.items() for text in pair]
    return len(address) <= _MOST_LINES and all(isinstance(text, str) and len(text) <= _LONGEST for text in texts)


def user_object(user: User) -> UserObject:
    """The user as read."""
    known = {name: user.profile[name] for name in PROFILE if user.profile.get(name) is not None}
    return UserObject(id=str(user.number), email=user.email, creation_date=epoch(user.created_at), **known)
