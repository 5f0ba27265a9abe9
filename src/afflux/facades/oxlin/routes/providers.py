"""Providers (contract: section 3.2)."""

from typing import Annotated

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from afflux.domain.errors import NotFound
from afflux.facades.oxlin.auth import by_anyone
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.given import GivenPage, GivenRuntime
from afflux.facades.oxlin.wire.providers import ProviderObject, channels_of, provider_object
from afflux.facades.oxlin.wire.values import answer, number_of


@get("/providers", guards=[by_anyone], responses=problems())
async def list_providers(
    runtime: GivenRuntime,
    piece: GivenPage,
    q: Annotated[str, QueryParameter(description="A part of the name")] = "",
    country: FromQuery[str] = "",
) -> Response[list[ProviderObject]]:
    """The banks that can be linked, by id."""
    found = [
        provider
        for provider in runtime.registry.providers()
        if channels_of(provider) and q.lower() in provider.name.lower() and country.upper() in ("", provider.country)
    ]
    return answer([provider_object(provider, runtime.settings.public_url) for provider in piece.of(found)])


@get("/providers/{provider_id:str}", guards=[by_anyone], responses=problems(404))
async def get_provider(provider_id: FromPath[str], runtime: GivenRuntime) -> Response[ProviderObject]:
    """One bank."""
    provider = runtime.registry.provider(number_of(provider_id))
    if not channels_of(provider):
        raise NotFound("there is no such provider")
    return answer(provider_object(provider, runtime.settings.public_url))


HANDLERS = (list_providers, get_provider)
