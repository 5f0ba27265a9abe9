"""Providers: listed and read (contract: section 5.3)."""

from litestar import Response, get
from litestar.params import FromPath

from afflux.facades.iswigo.documented import problems
from afflux.facades.iswigo.given import GivenRuntime
from afflux.facades.iswigo.ranges import DEFAULT, Range, RangeText, ranged
from afflux.facades.iswigo.requests import JsonRequest
from afflux.facades.iswigo.wire.providers import ProviderObject, TypeFilter, provider_object, types
from afflux.web.answers import answer


@get("/providers", responses=problems())
async def list_providers(
    request: JsonRequest, runtime: GivenRuntime, range_text: RangeText = DEFAULT, type_filter: TypeFilter = None
) -> Response[list[ProviderObject]]:
    """All providers, or those of one type, by id."""
    window = Range.parse(range_text)
    kept = [each for each in runtime.registry.providers() if type_filter is None or type_filter in types(each)]
    shown = [provider_object(each) for each in kept[window.first : window.first + window.width]]
    return ranged(request, "providers", window, shown, len(kept), runtime.settings.public_url)


@get("/providers/{provider_id:int}", responses=problems(404))
async def get_provider(provider_id: FromPath[int], runtime: GivenRuntime) -> Response[ProviderObject]:
    """One provider."""
    return answer(provider_object(runtime.registry.provider(provider_id)))


HANDLERS = (list_providers, get_provider)
