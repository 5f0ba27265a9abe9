"""A large document is passed on, not held: measured on an API process of its own."""

import secrets
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.digime.calling import V16, Consumer
from tests.facades.digime.opening import metadata_of, opened
from tests.facades.digime.test_sessions import alices, known, list_of, names  # noqa: F401
from tests.services.shelves import document, shelf_for
from tests.serving import api_process

MIB = 2**20


def forget_peak(pid: int) -> int:
    """Let the peak of the process's memory be counted anew; what it has now, in bytes."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak(pid)


def peak(pid: int) -> int:
    """The most memory that the process has had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory a process had at most")
async def test_two_large_documents_at_once_need_little_memory(
    runtime: Runtime,
    known: Tenant,  # noqa: F811
    reader: Consumer,
) -> None:
    content = secrets.token_bytes(25 * MIB)
    await (await shelf_for(runtime, known)).documents([document("a"), document("b", content=content)])
    await alices(runtime, reader, known)
    plain, packed = [await reader.trigger({"accept": {"compression": each}}) for each in ("none", "brotli")]
    small, large = sorted(names(await list_of(reader, plain)), key=lambda name: int(name.split("_")[4].split(".")[0]))

    def path(session: dict[str, Any], name: str) -> str:
        return f"{V16}/permission-access/query/{session['key']}/{name}"

    async with api_process(runtime) as (home, pid), httpx.AsyncClient(base_url=home, timeout=60) as client:
        assert opened(reader, await client.get(path(packed, small))) == b"%PDF a"
        before = forget_peak(pid)
        # One takes its time: of it nothing is read before the other has it all.
        async with client.stream("GET", path(plain, large)) as slow:
            quick = await client.get(path(packed, large))
            await slow.aread()
        grown = peak(pid) - before
    assert opened(reader, slow) == opened(reader, quick) == content
    assert (metadata_of(slow).get("compression"), metadata_of(quick).get("compression")) == (None, "brotli")
    assert grown < 64 * MIB, f"{grown / MIB:.0f} MB more"
