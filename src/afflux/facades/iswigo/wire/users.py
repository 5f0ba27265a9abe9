"""Users and profiles (contract: section 6.1), and what is asked with them."""

from datetime import date
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from afflux.domain.users import User
from afflux.facades.iswigo.errors import INVALID_GRANT
from afflux.facades.iswigo.wire.values import utc_time
from afflux.services.validations import Validation

#: A name, or null for none.
Named = Annotated[str, msgspec.Meta(max_length=255)] | None


class UserObject(msgspec.Struct, kw_only=True):
    """A user."""

    user_id: str
    #: What the user logs in with; null where another dialect made the user without one.
    email: str | None
    #: The address to be validated; left out while there is none.
    email_validation: str | UnsetType = UNSET
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

    refusal: ClassVar[str] = "Invalid password"

    #: The current one.
    password: str
    new_password: str


class NewProfile(msgspec.Struct):
    """What changes of a profile; what is left out stays."""

    #: To be validated. The login is another one.
    email: str | UnsetType = UNSET
    #: The version that the user accepted.
    terms_of_service: date | UnsetType = UNSET
    last_name: Named | UnsetType = UNSET
    first_name: Named | UnsetType = UNSET
    company: Named | UnsetType = UNSET


class ValidationObject(msgspec.Struct, kw_only=True):
    """How far the validation of the address is."""

    #: Null while there is none.
    email: str | None
    validated: bool
    #: What was mailed, while it is waited for; shown to a PSD2-compliant application only.
    token: str | UnsetType = UNSET
    token_expiration: str | UnsetType = UNSET


class GivenToken(msgspec.Struct):
    """What the user was mailed."""

    refusal: ClassVar[str] = "Invalid token"

    token: str


def user_object(user: User) -> UserObject:
    """The user as listed and read."""
    return UserObject(**_common(user))


def profile(user: User, terms: str) -> Profile:
    """The user as the user sees himself; `terms` is the version in force."""
    return Profile(**_common(user), last_terms_of_service=terms)


def changes(data: NewProfile) -> dict[str, str | None]:
    """What is to be written into the user's profile."""
    given = {
        "email_validation": data.email,
        "terms_of_service": data.terms_of_service,
        "last_name": data.last_name,
        "first_name": data.first_name,
        "company": data.company,
    }
    return {key: str(value) if isinstance(value, date) else value for key, value in given.items() if value is not UNSET}


def validation_object(validation: Validation | None, *, psd2: bool) -> ValidationObject:
    """The three shapes of section 5.2; without its two last members for those who are not PSD2-compliant."""
    if validation is None:
        return ValidationObject(email=None, validated=False)
    shown = ValidationObject(email=validation.address, validated=validation.code is None)
    if validation.code is not None and psd2:
        shown.token, shown.token_expiration = validation.code.digits, utc_time(validation.code.expires_at)
    return shown


def _common(user: User) -> dict[str, Any]:
    held = user.profile
    named = {"email_validation": held["email_validation"]} if held.get("email_validation") else {}
    others = {key: held.get(key) for key in ("last_name", "first_name", "company", "terms_of_service")}
    return {"user_id": str(user.id), "email": user.email, **named, **others}
