"""Connections and how they stand (contract: sections 6.3 and 6.4), and what is typed for them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar.params import Body

from afflux.domain.catalogue import Provider
from afflux.domain.challenges import FormField
from afflux.domain.connections import Connection
from afflux.domain.syncs import Sync
from afflux.facades.iswigo.errors import Refused
from afflux.facades.iswigo.wire.providers import credentials_channel, members
from afflux.facades.iswigo.wire.states import state_of
from afflux.facades.iswigo.wire.values import local_time
from afflux.services.connections import check_fields

#: A body whose members depend on the provider: null is like absent, and a member that nobody asked for is ignored.
NewConnection = Annotated[
    dict[str, Any],
    Body(
        description="`provider` is the id of the provider; then one string for each `varname` of its default inputs,"
        " such as `login` and `password`."
    ),
]
ChangedConnection = Annotated[
    dict[str, Any], Body(description="The credentials to replace, by `varname`; those left out keep their values.")
]
StepAnswer = Annotated[dict[str, Any], Body(description="One string for each `varname` of the current step's inputs.")]


class ConnectionObject(msgspec.Struct, kw_only=True):
    """A user's link to a provider."""

    connection_id: str
    provider_id: int
    #: In Paris.
    create_time: str
    #: With its middle hidden; null where nothing was typed.
    login: str | None
    #: The last success, in Paris.
    last_synchronized_time: str | None
    #: In Paris.
    last_error_time: str | None
    #: Failures since the last success.
    nb_errors: int
    #: Whether it synchronises without the user.
    automatic_synchronization: bool


class StatusObject(msgspec.Struct, kw_only=True):
    """How a connection stands."""

    connection_id: str
    #: The last success, in Paris.
    last_synchronized_time: str | None
    status: str
    #: What the user is asked for, with the status `waiting user`.
    step: str | None
    #: Percent, with the status `in progress`.
    progression: int | None
    #: The newer documentation's number and text; left out unless the operator wants them.
    status_code: int | msgspec.UnsetType = msgspec.UNSET
    status_reason: str | msgspec.UnsetType = msgspec.UNSET
    #: Only with the status `error`.
    errno: int | msgspec.UnsetType = msgspec.UNSET


def connection_object(connection: Connection) -> ConnectionObject:
    """The connection as listed and read."""
    return ConnectionObject(
        connection_id=str(connection.id),
        provider_id=connection.provider_id,
        create_time=local_time(connection.created_at),
        login=connection.login_mask,
        last_synchronized_time=local_time(connection.last_success_at),
        last_error_time=local_time(connection.last_error_at),
        nb_errors=connection.consecutive_errors,
        automatic_synchronization=connection.runs_alone,
    )


def status_object(connection: Connection, sync: Sync | None, *, codes: bool) -> StatusObject:
    """How the connection stands by its newest sync; `codes` are the newer documentation's."""
    state = state_of(sync)
    return StatusObject(
        connection_id=str(connection.id),
        last_synchronized_time=local_time(connection.last_success_at),
        status=state.status,
        step=state.step,
        progression=state.progression,
        status_code=state.code if codes else msgspec.UNSET,
        status_reason=state.reason if codes else msgspec.UNSET,
        errno=msgspec.UNSET if state.errno is None else state.errno,
    )


def provider_id(body: Mapping[str, Any]) -> int:
    """The provider to be linked. Raises `Refused`."""
    given = body.get("provider")
    if type(given) is not int:  # true and false are integers too
        raise Refused(400, "Invalid parameter provider")
    return given


def credentials(provider: Provider, body: Mapping[str, Any]) -> dict[int, dict[str, str]]:
    """What a new connection is made of, by channel and field. Raises `InvalidInput` naming a member."""
    channel = credentials_channel(provider)
    if channel is None:
        return {provider.channels[0].id: {}}
    return {channel.id: _checked(members(channel.fields), body)}


def replaced(provider: Provider, body: Mapping[str, Any]) -> dict[int, dict[str, str]]:
    """What is given anew of a connection's credentials; empty for nothing. Raises `InvalidInput` naming a member."""
    channel = credentials_channel(provider)
    given = {
        name: each for name, each in members(channel.fields if channel else ()).items() if body.get(name) is not None
    }
    return {channel.id: _checked(given, body)} if channel and given else {}


def _checked(form: Mapping[str, FormField], body: Mapping[str, Any]) -> dict[str, str]:
    """The values of the form's fields by the fields' own names."""
    asked = tuple(replace(each, name=member) for member, each in form.items())
    given = {member: value for member in form if (value := body.get(member)) is not None}
    return {form[member].name: value for member, value in check_fields(asked, given).items()}


def answers(inputs: tuple[FormField, ...], body: Mapping[str, Any]) -> dict[str, str]:
    """What the body says to a step. Raises `InvalidInput` for a missing member; whether a code is right, and even
    whether it is of the right length, is for the provider to say.
    """
    anything = tuple(replace(each, min_length=None, max_length=None, digits=False) for each in inputs)
    return check_fields(anything, {name: value for name, value in body.items() if value is not None})
