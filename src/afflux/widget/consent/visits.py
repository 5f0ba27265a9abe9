"""What brings a browser to the consent pages: its address, read and checked."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from litestar import Request

from afflux.domain.contracts import ContractKind
from afflux.domain.errors import NotFound
from afflux.domain.libraries import Visit, VisitKind
from afflux.runtime import Runtime
from afflux.services import catalogue_groups, consent_visits
from afflux.services.consents import with_query
from afflux.widget.consent.addresses import is_safe

AnyRequest = Request[Any, Any, Any]

_OF_ONE_PAGE = ("way", "error")
#: Letters of a query that a cookie can hold as well.
_LONGEST = 2800


class Lost(Exception):
    """There is nowhere to send the browser to: who wanted it here is not known."""


class Declined(Exception):
    """The browser goes back with an error code of the contract (section 3.2)."""

    def __init__(self, callback: str, code: str) -> None:
        super().__init__(code)
        self.location = with_query(callback, {"success": "false", "errorCode": code})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A browser at the pages, and what it came for."""

    visit: Visit
    code: str
    #: Where it goes when it comes to nothing; the end of an onboarding too.
    callback: str
    #: The provider to link, where the application wants a certain one.
    service: int | None
    #: As it was in the address, but for what only one page is told.
    query: str
    #: `form` where the person picked that among several ways to link the service.
    way: str = ""
    #: What went wrong on the bank's own page, in the bank's word.
    error: str = ""

    def picking(self, service: str, visit: Visit) -> "Arrival":
        """The same with the visit as it is by now, and the service that was picked where none was named."""
        if self.service is not None or not (service.isascii() and service.isdigit() and len(service) < 10):
            return replace(self, visit=visit)
        return replace(self, visit=visit, service=int(service), query=f"{self.query}&service={int(service)}")


async def arrive(request: AnyRequest, runtime: Runtime, kind: VisitKind | None = None) -> Arrival:
    """What the browser came for. Raises `Lost` and `Declined`."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    named = dict(pairs)
    query = urlencode([(name, value) for name, value in pairs if value and name not in _OF_ONE_PAGE])
    code, callback = named.get("code", ""), named.get("callback", "")
    async with runtime.database.reading() as tx:
        try:
            visit = await consent_visits.find(tx, code)
        except NotFound:
            raise Lost from None
        if len(named) < len(pairs) or len(query) > _LONGEST or not is_safe(callback, visit.contract.redirect_uris):
            raise Lost
        if not visit.is_open(tx.now) or kind not in (None, visit.kind):
            raise Declined(callback, "INVALID_CODE")
    service = _service(runtime, visit, named.get("service"), callback)
    return Arrival(visit, code, callback, service, query, named.get("way", ""), named.get("error", ""))


def _service(runtime: Runtime, visit: Visit, given: str | None, callback: str) -> int | None:
    """The provider that is named. Raises `Declined` for one that there is not, or that cannot be linked now or for this
    contract.
    """
    if not given:
        return None
    known = {str(provider.id): provider for provider in runtime.registry.providers()}
    if given not in known:
        raise Declined(callback, "INITIALIZE_CHECK_FAIL")
    contract = visit.contract
    if contract.kind is ContractKind.READ and not catalogue_groups.is_offered(known[given], contract.scope):
        raise Declined(callback, "ONBOARD_ERROR")
    return int(given)
