"""`afflux app digime` and `afflux keys rotate`."""

from typing import Any

import pytest

from afflux.domain.contracts import ContractKind
from afflux.domain.errors import Conflict, InvalidInput
from afflux.runtime import Runtime
from afflux.services import contracts
from tests.conftest import Tenant
from tests.facades.digime.calling import BACK, spare_key


async def register(runtime: Runtime, tenant: Tenant, **changes: Any) -> str:
    given = {
        "application_id": "APP",
        "contract_id": "CONTRACT",
        "kind": ContractKind.READ,
        "public_key": spare_key(0).as_pem(private=False),
        "redirect_uris": [BACK],
        **changes,
    }
    async with runtime.database.transaction() as tx:
        return await contracts.register(tx, tenant.application, **given)


async def test_a_contract_is_known_by_both_ids(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    assert await register(runtime, alice) == "APP_CONTRACT"
    for tenant in (alice, bob):
        with pytest.raises(Conflict):
            await register(runtime, tenant)


@pytest.mark.parametrize(
    "changes",
    [
        {"application_id": "A_B"},
        {"contract_id": ""},
        {"contract_id": "x" * 65},
        {"public_key": b"no key"},
        {"redirect_uris": []},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["/back"]},
        {"redirect_uris": ["https://"]},
        {"redirect_uris": ["https://app.example/#there"]},
        {"scope": {"serviceGroups": "all"}},
        {"scope": {"timeRanges": [{"last": "long"}]}},
    ],
)
async def test_a_malformed_contract_is_refused(runtime: Runtime, alice: Tenant, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await register(runtime, alice, **changes)


async def test_a_key_of_another_size_is_refused(runtime: Runtime, alice: Tenant) -> None:
    small = spare_key(0).generate_key(3072).as_pem(private=False)
    with pytest.raises(InvalidInput):
        await register(runtime, alice, public_key=small)
