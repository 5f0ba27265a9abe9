"""Which services there are (contract: section 3.12)."""

from typing import Annotated

from litestar import Response, get
from litestar.params import HeaderParameter

from afflux.domain.contracts import Contract
from afflux.domain.scopes import Scope
from afflux.facades.digime.documented import problems
from afflux.facades.digime.errors import Refused
from afflux.facades.digime.given import GivenRuntime
from afflux.facades.digime.responses import answer
from afflux.facades.digime.wire.services import Discovered, discovered
from afflux.runtime import Runtime
from afflux.services import catalogue_groups, contracts

ContractId = Annotated[str | None, HeaderParameter(name="contractId", description="Only what this contract can use")]


@get("/discovery/services", responses=problems(404))
async def list_services(runtime: GivenRuntime, contract_id: ContractId = None) -> Response[Discovered]:
    """The services that people can link, and the groups and countries they are in."""
    offered = [each for each in runtime.registry.providers() if catalogue_groups.is_offered(each, Scope())]
    if contract_id is not None:
        contract = await _contract(runtime, contract_id)
        offered = [each for each in offered if catalogue_groups.is_read(each, contract)]
    return answer(discovered(offered))


async def _contract(runtime: Runtime, contract_id: str) -> Contract:
    async with runtime.database.reading() as tx:
        contract = None if "\0" in contract_id else await contracts.by_id(tx, contract_id)
    if contract is None:
        raise Refused(404, "InvalidContractId", "The contract id is invalid")
    return contract


HANDLERS = (list_services,)
