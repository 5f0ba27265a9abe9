"""digi.me's own Node SDK, unmodified, lives a library's whole life with us (contract: section 6)."""

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import RSAKey

from afflux.config import Settings
from afflux.domain.contracts import ContractKind
from afflux.runtime import Runtime
from afflux.services import contracts
from afflux.store import applications
from tests.conftest import Tenant
from tests.facades.digime.calling import BACK, CALLBACK, letters, spare_key
from tests.facades.digime.test_oauth import CAROL, age, join
from tests.faults.server import free_port
from tests.jobs.acting import working
from tests.serving import served

SDK = os.environ.get("AFFLUX_TEST_DIGIME_SDK", "")
SCRIPT = Path(__file__).with_name("conformance.mjs")
FINANCE = {"serviceGroups": [{"id": 3}]}
SERVICES = [
    {"id": 999, "form": {"field_login": "123456789", "field_password": "123456"}, "answer": "1234"},
    {"id": 1000, "form": {"field_login": "fast", "field_password": "123456"}},
]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A server that says of itself where it is."""
    return replace(settings, public_url=f"http://127.0.0.1:{free_port()}")


@pytest.mark.skipif(not SDK, reason="AFFLUX_TEST_DIGIME_SDK does not name the SDK; README.md beside the test says how")
@pytest.mark.skipif(not shutil.which("node"), reason="the SDK runs on Node")
async def test_the_sdk_lives_a_librarys_whole_life(runtime: Runtime, alice: Tenant, tmp_path: Path) -> None:
    await join(runtime, alice, *CAROL)
    home = runtime.settings.public_url
    plan = tmp_path / "run.json"
    plan.write_text(json.dumps(await planned(runtime, alice, home)))
    async with working(runtime), served(runtime, urlsplit(home).port or 0):
        node = await asyncio.create_subprocess_exec("node", str(SCRIPT), str(plan), stdin=PIPE, stdout=PIPE)
        try:
            async with asyncio.timeout(120):
                told = await followed(runtime, node)
        finally:
            if node.returncode is None:
                node.kill()
    assert node.returncode == 0, told
    assert told.splitlines()[-1].endswith("steps are right"), told


async def followed(runtime: Runtime, node: Process) -> str:
    """What the script prints; where it asks for time to pass, time passes."""
    assert node.stdout
    assert node.stdin
    told = ""
    while line := (await node.stdout.readline()).decode():
        told += line
        if line.startswith("?"):
            await age(runtime, "grants", "access_expires_at", timedelta(days=2))
            node.stdin.write(b"done\n")
    await node.wait()
    print(told)
    return told


async def planned(runtime: Runtime, alice: Tenant, home: str) -> dict[str, Any]:
    """What the script has to know; the contracts are made on the way."""
    application_id = letters()
    kinds = {"read": ContractKind.READ, "write": ContractKind.WRITE, "raw": ContractKind.READ_RAW}
    made = {name: await contract(runtime, alice, application_id, kind) for name, kind in kinds.items()}
    made["narrow"] = await contract(runtime, alice, application_id, ContractKind.READ, FINANCE)
    return {
        "sdk": SDK,
        "baseUrl": f"{home}/v1.6/",
        "onboardUrl": f"{home}/apps/saas/",
        "applicationId": application_id,
        "contracts": made,
        "callback": CALLBACK,
        "services": SERVICES,
        "person": {"email": CAROL[0], "password": CAROL[1]},
    }


async def contract(
    runtime: Runtime, alice: Tenant, application_id: str, kind: ContractKind, scope: Any = None
) -> dict[str, str]:
    """A new contract, as the SDK wants its details."""
    key, contract_id = spare_key(0), letters()
    public = key.as_pem(private=False)
    async with runtime.database.transaction() as tx:
        application = await applications.by_name(tx, alice.application.name)
        await contracts.register(tx, application, application_id, contract_id, kind, public, [BACK], scope)
    return {"contractId": contract_id, "privateKey": pkcs1(key), "redirectUri": BACK}


def pkcs1(key: RSAKey) -> str:
    """The private key in the only form that the SDK reads."""
    pem = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return str(pem.decode())
