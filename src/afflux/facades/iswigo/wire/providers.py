"""Providers and the forms they show (contract: section 6.2)."""

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Annotated

import msgspec
from litestar.params import QueryParameter

from afflux.domain.catalogue import Auth, Channel, Kind, Provider
from afflux.domain.challenges import FormField

#: What a provider brings, in the contract's words (section 7.6).
BANK, DOCUMENT = "bank", "document"
#: The query parameter of lists; a type that does not exist has nothing.
TypeFilter = Annotated[str | None, QueryParameter(name="filters[type]", description="`bank` or `document`")]
#: Credentials that are sent under their own names.
_PLAIN = ("login", "password")
#: The number of the first that is not.
_FIRST_PARAMETER = 3


class Input(msgspec.Struct, kw_only=True):
    """One thing that a form asks for."""

    name: str
    type: str
    #: The member to send the value in.
    varname: str
    minlength: int | msgspec.UnsetType = msgspec.UNSET
    maxlength: int | msgspec.UnsetType = msgspec.UNSET
    #: `numbers`: digits only.
    mask: str | msgspec.UnsetType = msgspec.UNSET
    label: str


class Form(msgspec.Struct):
    """A form of a provider: its credentials, or a step."""

    #: May hold light HTML; `%b%` stands for the provider's name, `%i%` for the login.
    title: str | None
    inputs: list[Input]


class Properties(msgspec.Struct, kw_only=True):
    """Facts about a provider."""

    deferred_credit_card: bool
    iban: bool
    #: The types of its documents; left out where it has none.
    docs: list[str] | msgspec.UnsetType = msgspec.UNSET


class ProviderObject(msgspec.Struct):
    """A bank or a document portal."""

    provider_id: int
    #: The provider that this one belongs to.
    depend_of: int | None
    name: str
    logo: str | None
    url: str | None
    type: list[str]
    status: str
    #: By step; `default` is what a connection is made with.
    inputs: dict[str, Form]
    properties: Properties


def provider_object(provider: Provider) -> ProviderObject:
    """The provider as listed and read."""
    channel = credentials_channel(provider)
    fields, steps = ((), ()) if channel is None else (channel.fields, channel.steps)
    forms = {"default": Form(None, _inputs(members(fields)))}
    forms |= {step.name: Form(step.title, _inputs({each.name: each for each in step.fields})) for step in steps}
    return ProviderObject(
        provider_id=provider.id,
        depend_of=None,
        name=provider.name,
        logo=provider.logo,
        url=provider.url,
        type=types(provider),
        status=provider.status,
        inputs=forms,
        properties=_properties(provider),
    )


def types(provider: Provider) -> list[str]:
    """What the provider brings."""
    banking = provider.kinds & {Kind.ACCOUNTS, Kind.TRANSACTIONS}
    return [BANK] * bool(banking) + [DOCUMENT] * (Kind.DOCUMENTS in provider.kinds)


def credentials_channel(provider: Provider) -> Channel | None:
    """The channel that a connection of this dialect uses: the first to which somebody logs in."""
    return next((channel for channel in provider.channels if channel.auth is Auth.CREDENTIALS), None)


def members(fields: Iterable[FormField]) -> dict[str, FormField]:
    """Each field of a credentials form by the member that it is sent in."""
    further = count(_FIRST_PARAMETER)
    return {each.name if each.name in _PLAIN else f"parameter{next(further)}": each for each in fields}


def _inputs(form: Mapping[str, FormField]) -> list[Input]:
    return [
        Input(
            name=each.name,
            type=each.type,
            varname=varname,
            minlength=_or_unset(each.min_length),
            maxlength=_or_unset(each.max_length),
            mask="numbers" if each.digits else msgspec.UNSET,
            label=each.label,
        )
        for varname, each in form.items()
    ]


def _or_unset(length: int | None) -> int | msgspec.UnsetType:
    return msgspec.UNSET if length is None else length


def _properties(provider: Provider) -> Properties:
    facts = provider.properties
    docs = facts.get("docs", [])
    return Properties(
        deferred_credit_card=facts.get("deferred_credit_card") is True,
        iban=facts.get("iban") is True,
        docs=docs if isinstance(docs, list) and DOCUMENT in types(provider) else msgspec.UNSET,
    )
