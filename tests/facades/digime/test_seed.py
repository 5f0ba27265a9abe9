"""What the public page about the trigger shows: its call as printed, with a token as its table describes it."""

import asyncio
import json
import shutil
import time

import jwt
import pytest

from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.digime.calling import BACK, letters
from tests.facades.digime.published import Published, at_home, make_published
from tests.facades.digime.test_published import ended

#: The printed call; the shell fills in where it goes and its token, and has the status printed as well.
CALL = """curl --location --request POST "$API/v1.6/permission-access/trigger" \\
--header 'Accept: application/json' \\
--header "Authorization: Bearer $TOKEN" \\
--silent --write-out '\\n%{http_code} %{content_type}'"""


def described(consumer: Published, session_key: str) -> str:
    """The table's token: six claims, and the time in seconds."""
    payload = {
        "access_token": consumer.access_token,
        "client_id": consumer.client_id,
        "nonce": letters(),
        "redirect_uri": BACK,
        "session_key": session_key,
        "timestamp": int(time.time()),
    }
    return jwt.encode(payload, consumer.key, "PS512")


async def curl(api: str, token: str) -> tuple[dict[str, object], str]:
    """Body, and status with the body's type."""
    env = {"PATH": "/usr/bin:/bin", "API": api, "TOKEN": token}
    bash = await asyncio.create_subprocess_exec("bash", "-c", CALL, env=env, stdout=asyncio.subprocess.PIPE)
    out, _ = await bash.communicate()
    assert bash.returncode == 0
    body, _, end = out.decode().rpartition("\n")
    return json.loads(body), end


@pytest.mark.skipif(not shutil.which("curl"), reason="the page's client is curl")
async def test_the_printed_call_works(runtime: Runtime, alice: Tenant) -> None:
    async with at_home(runtime) as http:
        consumer = await make_published(runtime, http, alice)
        _, session = await consumer.let_in("new")
        answer, end = await curl(str(http.base_url), described(consumer, session["key"]))
        assert end == "202 application/json"
        assert answer["session"]["key"] == session["key"]  # type: ignore[index]
        assert (await ended(consumer, session))["status"]["state"] == "completed"
        refused, end = await curl(str(http.base_url), described(consumer, letters()))
        assert end == "400 application/json"
        assert refused["error"]["code"] == "SessionInvalid"  # type: ignore[index]
