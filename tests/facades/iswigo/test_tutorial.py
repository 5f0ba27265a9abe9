"""The shell client of the tutorial goes through a user's whole life over a socket."""

import asyncio
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from afflux.runtime import Runtime
from afflux.services import applications
from tests.jobs.acting import working
from tests.serving import served

PAGE = Path(__file__).parents[3] / "docs" / "tutorial" / "iswigo.md"


def script() -> str:
    # Without IFS nothing is split into words, as in zsh, the shell of a Mac.
    strict = "set -euo pipefail\nIFS=\n"
    return strict + "".join(re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL))


@pytest.mark.skipif(not shutil.which("curl"), reason="the tutorial's client is curl")
async def test_the_tutorials_client_works_as_printed(runtime: Runtime) -> None:
    async with runtime.database.transaction() as tx:
        _, shop = await applications.create(tx, runtime.vault, "shop", psd2=True)
    async with working(runtime), served(runtime) as port:
        environment = os.environ | {"SERVER": f"http://127.0.0.1:{port}", "SECRET": shop.iswigo_secret}
        bash = await asyncio.create_subprocess_exec(
            "bash", "-c", script(), env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            out, complaints = await bash.communicate()
    assert (bash.returncode, complaints) == (0, b"")
    user, profile, provider, step, rows, invoices, fetched, stated, synced, events, gone = out.decode().splitlines()
    assert json.loads(profile)["user_id"] == json.loads(user)["user_id"]
    assert json.loads(provider)["inputs"]["sms"]["inputs"][0]["varname"] == "sms"
    assert json.loads(step)["status"] == "pending"
    assert json.loads(rows)[0]["amount"] == -4.1
    assert [document["type"] for document in json.loads(invoices)] == ["invoice"]
    assert fetched == stated
    assert len(json.loads(synced)) == 2
    assert {event["type"] for event in json.loads(events)} == {"connection.status"}
    assert json.loads(gone)["error"]["code"] == 401
