"""What a contract asks for, in plain words."""

from afflux.config import Settings
from afflux.connectors.registry import Registry
from afflux.domain.catalogue import Provider
from afflux.domain.contracts import Contract, ContractKind
from afflux.domain.errors import NotFound
from afflux.domain.libraries import Visit, VisitKind
from afflux.domain.scopes import EVER, Selection
from afflux.services import catalogue_groups
from afflux.services.catalogue_groups import GROUPS, OBJECTS
from afflux.widget.consent.visits import Arrival

_ASKS = {
    ContractKind.READ: "read your accounts and documents",
    ContractKind.WRITE: "put files into your library",
    ContractKind.READ_RAW: "read the files that were put into your library",
}


def asks(visit: Visit) -> str:
    """What the application wants, as it follows “asks to”."""
    return "link a further service" if visit.kind is VisitKind.ONBOARD else _ASKS[visit.contract.kind]


def scope(contract: Contract, registry: Registry) -> list[str]:
    """What it may read, a line each."""
    if contract.kind is not ContractKind.READ:
        return []
    selections = contract.scope.selections or [Selection(group) for group in GROUPS]
    lines = [_line(each, registry) for each in selections]
    starts = [start for start, _ in contract.scope.spans]
    is_bounded = bool(starts) and min(starts) > EVER[0]
    return [*lines, f"nothing from before {min(starts):%d %B %Y}"] if is_bounded else lines


def _line(what: Selection, registry: Registry) -> str:
    group = GROUPS[what.group].name if what.group in GROUPS else f"group {what.group}"
    kind = None if what.object is None else OBJECTS.get(what.object)
    named = "everything" if kind is None else kind.words
    at = "" if what.service is None else f" at {_service(what.service, registry)}"
    return f"{group}: {named}{at}"


def _service(service: int, registry: Registry) -> str:
    try:
        return registry.provider(service).name
    except NotFound:
        return f"service {service}"


def how_long(contract: Contract, settings: Settings) -> str:
    """For how long it may do so without asking again."""
    if contract.once:
        return "once, now"
    return f"as long as it comes back within {settings.digime_refresh_days} days each time"


def service(registry: Registry, arrival: Arrival) -> str:
    """What is linked next, where the application wants a certain service and reads from services at all."""
    reads = arrival.visit.contract.kind is ContractKind.READ
    return registry.provider(arrival.service).name if reads and arrival.service is not None else ""


def services(registry: Registry, contract: Contract) -> list[Provider]:
    """The providers that can be linked for a contract."""
    if contract.kind is not ContractKind.READ:
        return []
    return [each for each in registry.providers() if catalogue_groups.is_offered(each, contract.scope)]
