"""A token that was right a moment ago is not looked up again, and yet ends when it should."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from afflux.domain.users import User
from afflux.facades.iswigo.errors import BAD_TOKEN
from afflux.facades.iswigo.recent import RecentTokens
from afflux.runtime import Runtime
from afflux.services import erasure
from tests.facades.iswigo.calling import Client
from tests.facades.iswigo.filling import tenant_of

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
ACCOUNTS = "/v1/bank/accounts"


def somebody() -> User:
    """Any user."""
    return User(uuid4(), 1, uuid4(), None, "a@example.org", None, b"", {}, None, NOW)


async def test_a_user_who_is_deleted_here_is_unknown_at_once(hector: Client, ida: Client) -> None:
    (user,) = [each for each in await hector.get("/v1/users") if each["email"].startswith("hector")]
    assert await hector.get(ACCOUNTS) == await ida.get(ACCOUNTS) == []
    await hector.delete(f"/v1/users/{user['user_id']}")
    await hector.refused(401, BAD_TOKEN, "GET", ACCOUNTS)
    assert await ida.get(ACCOUNTS) == []


async def test_a_user_who_is_deleted_elsewhere_is_unknown_within_seconds(runtime: Runtime, hector: Client) -> None:
    tenant = await tenant_of(runtime, hector)
    assert await hector.get(ACCOUNTS) == []
    await erasure.erase(runtime, tenant.principal, tenant.user.id)
    async with asyncio.timeout(4):
        while (await hector.send("GET", ACCOUNTS)).status_code != 401:
            await asyncio.sleep(0.05)


async def test_a_token_that_is_known_is_still_good_for_its_own_application_only(
    shop: Client, kiosk: Client, hector: Client
) -> None:
    assert await hector.get(ACCOUNTS) == []
    await replace(kiosk, token=hector.token).refused(401, BAD_TOKEN, "GET", ACCOUNTS)
    await replace(shop, token=f"{hector.token}x").refused(401, BAD_TOKEN, "GET", ACCOUNTS)


async def test_a_token_is_remembered_no_longer_than_it_lives() -> None:
    recent, user = RecentTokens(), somebody()
    recent.keep(user.application_id, "token", user, (NOW + timedelta(seconds=1)).timestamp())
    assert recent.user(user.application_id, "token", NOW) is user
    assert recent.user(uuid4(), "token", NOW) is None
    assert recent.user(user.application_id, "token", NOW + timedelta(seconds=1)) is None


async def test_there_is_an_end_to_what_is_remembered() -> None:
    recent, user = RecentTokens(), somebody()
    ends = (NOW + timedelta(hours=1)).timestamp()
    for number in range(10_001):
        recent.keep(user.application_id, str(number), user, ends)
    assert recent.user(user.application_id, "0", NOW) is None
    assert recent.user(user.application_id, "10000", NOW) is user
