"""What an operator can refuse: contracts that ask too often, and SDKs that are too old."""

from dataclasses import replace
from typing import Any

import pytest

from afflux.domain.limits import PerMinute
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.digime.calling import letters
from tests.facades.digime.conftest import make_consumer, over

TRIGGER = "/permission-access/trigger"
SERVED = "nodejs 6.0.1, android"


async def test_a_contract_that_asks_too_often_waits(runtime: Runtime, alice: Tenant) -> None:
    strict = replace(runtime, settings=replace(runtime.settings, digime_requests=2))
    async with over(strict) as http:
        eager, other = await make_consumer(strict, http, alice), await make_consumer(strict, http, alice)
        for _ in range(5):
            nonce = letters()
            response = await eager.post(TRIGGER, access_token="x", nonce=nonce)
            if response.status_code == 429:
                break
        await eager.refused(429, "TooManyRequests", response)
        assert 1 <= int(response.headers["retry-after"]) <= 60
        async with runtime.database.reading() as tx:
            assert await tx.value("SELECT count(*) FROM nonces WHERE nonce = $1", nonce) == 0
        await other.refused(401, "InvalidToken", await other.post(TRIGGER, access_token="x"))


def test_a_minute_begins_anew() -> None:
    limit = PerMinute(2)
    assert [limit.wait("a", 90) for _ in range(3)] == [0, 0, 30]
    assert (limit.wait("b", 90), limit.wait("a", 120)) == (0, 0)
    assert not any(PerMinute(None).wait("a", 0) for _ in range(99))


@pytest.mark.parametrize(
    ("agent", "refusal"),
    [
        ({"sdk": {"name": "nodejs", "version": "7.1.0"}}, None),
        ({"sdk": {"name": "nodejs", "version": "6.0.1", "meta": {"node": "v20"}}}, None),
        ({"sdk": {"name": "nodejs", "version": "6.0.0"}}, (403, "SDKVersionInvalid")),
        ({"sdk": {"name": "nodejs"}}, (403, "SDKVersionInvalid")),
        ({"sdk": {"name": "android", "version": "x"}}, None),
        ({"name": "ios", "version": "5.0.0"}, (400, "SDKInvalid")),
        ({"sdk": {"name": ["nodejs"]}}, None),
        (None, None),
        (7, None),
    ],
)
async def test_only_the_sdks_that_are_named_are_served(
    runtime: Runtime, alice: Tenant, agent: Any, refusal: tuple[int, str] | None
) -> None:
    strict = replace(runtime, settings=replace(runtime.settings, digime_sdks=SERVED))
    async with over(strict) as http:
        consumer = await make_consumer(strict, http, alice)
        application_id, _, contract_id = consumer.client_id.partition("_")
        named = {"appId": application_id, "contractId": contract_id, "sdkAgent": agent}
        for response, good in (
            (await consumer.post("/oauth/authorize", {"agent": agent}, **consumer.authorize_claims("v" * 43)), 200),
            (await consumer.send("POST", "/permission-access/session", json=named), 200),
        ):
            if refusal is None:
                assert response.status_code == good
            else:
                await consumer.refused(*refusal, response)
