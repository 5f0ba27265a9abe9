"""Users and profiles (contract: section 6.1), and what is asked with them."""

from typing import Any, ClassVar

import msgspec

from afflux.domain.users import User
from afflux.facades.iswigo.errors import INVALID_GRANT


class UserObject(msgspec.Struct, kw_only=True):
    """A user."""

    user_id: str
    #: What the user logs in with; null where another dialect made the user without one.
    email: str | None
    #: The address to be validated; left out while there is none.
    email_validation: str | msgspec.UnsetType = msgspec.UNSET
    last_name: str | None
    first_name: str | None
    company: str | None
    #: The version of the terms that the user accepted.
    terms_of_service: str | None


class Profile(UserObject, kw_only=True):
    """The user's own view of himself."""

    #: The version of the terms in force.
    last_terms_of_service: str


class Token(msgspec.Struct):
    """An access token."""

    token_type: str
    #: Seconds.
    expires_in: int
    access_token: str


class NewUser(msgspec.Struct):
    """A user to be made."""

    email: str
    password: str


class Login(msgspec.Struct):
    """Who wants a token."""

    refusal: ClassVar[str] = INVALID_GRANT

    email: str
    password: str


class NewEmail(msgspec.Struct):
    """Another login."""

    email: str
    #: The current one.
    password: str


class NewPassword(msgspec.Struct):
    """Another password."""

    #: The current one.
    password: str
    new_password: str


def user_object(user: User) -> UserObject:
    """The user as listed and read."""
    return UserObject(**_common(user))


def profile(user: User, terms: str) -> Profile:
    """The user as the user sees himself; `terms` is the version in force."""
    return Profile(**_common(user), last_terms_of_service=terms)


def _common(user: User) -> dict[str, Any]:
    held = user.profile
    named = {"email_validation": held["email_validation"]} if held.get("email_validation") else {}
    others = {key: held.get(key) for key in ("last_name", "first_name", "company", "terms_of_service")}
    return {"user_id": str(user.id), "email": user.email, **named, **others}
