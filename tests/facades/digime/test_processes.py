"""Two real server processes on one database: what is good once is good once on both together."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest_asyncio

from afflux.runtime import Runtime
from tests.facades.digime.calling import Consumer
from tests.facades.digime.test_oauth import consented
from tests.serving import api_process


@pytest_asyncio.fixture
async def pair(runtime: Runtime, reader: Consumer) -> AsyncIterator[list[Consumer]]:
    """The same contract's backend, at two servers."""
    async with (
        api_process(runtime) as (one, _),
        api_process(runtime) as (other, _),
        httpx.AsyncClient(base_url=one) as first,
        httpx.AsyncClient(base_url=other) as second,
    ):
        yield [replace(reader, http=client) for client in (first, second)]


def codes(answers: list[httpx.Response]) -> list[str]:
    return sorted("good" if each.is_success else each.json()["error"]["code"] for each in answers)


async def test_what_is_good_once_is_good_once_on_both(pair: list[Consumer]) -> None:
    one, other = pair
    # A token of a request.
    token = one.token(**one.authorize_claims("v" * 43))
    answers = await asyncio.gather(*(each.send("POST", "/oauth/authorize", token) for each in pair * 5))
    assert codes(answers) == ["InvalidRequest"] * 9 + ["good"]
    # A code: whoever loses takes the winner's tokens along.
    verifier, code = await consented(one)
    answers = await asyncio.gather(*(each.exchange(verifier, code) for each in pair * 2))
    assert codes(answers) == ["InvalidToken"] * 3 + ["good"]
    await one.take(next(each for each in answers if each.is_success))
    await one.refused(401, "InvalidToken", await one.refresh())
    # A refresh token, likewise.
    await one.let_in()
    answers = await asyncio.gather(*(each.refresh(refresh_token=one.refresh_token) for each in pair * 2))
    assert codes(answers) == ["InvalidToken"] * 3 + ["good"]
    await one.take(next(each for each in answers if each.is_success))
    await other.refused(401, "InvalidToken", await other.refresh(refresh_token=one.refresh_token))
    response = await other.post("/permission-access/trigger", access_token=one.access_token)
    await other.refused(401, "InvalidToken", response)
