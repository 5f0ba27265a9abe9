"""The whole server as one command: the embedded PostgreSQL, one API process and one worker, kept alive together."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable

import httpx

from afflux.access import root_key
from afflux.config import Settings
from afflux.datafolder import open_data_folder
from afflux.domain.errors import AffluxError
from afflux.postgres import EmbeddedPostgres
from afflux.supervisor import Child, Supervisor, stopped_by_signal

log = logging.getLogger(__name__)

#: Seconds for which a port may still be taken by what a killed server left.
_LEAVING = 2.0


async def serve(settings: Settings, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `say` gets one line `ready http://HOST:PORT` once everything answers.

    Raises `AffluxError` when another server has the data folder or the address, or when the start is not safe.
    """
    data = open_data_folder(settings.data)
    root_key(settings, data)
    stop = stopped_by_signal()
    with data.lock():
        await _require_free(host, port)
        postgres = None if settings.database_url else EmbeddedPostgres(data)
        try:
            if postgres is not None:
                await postgres.start()
            await _prepare(settings)
            supervisor = Supervisor(_children(settings, host, port), postgres=postgres)
            announcing = asyncio.create_task(_announce(host, port, say))
            await supervisor.run(stop)
            announcing.cancel()
        finally:
            if postgres is not None:
                await postgres.stop()


async def _prepare(settings: Settings) -> None:
    """Migrate in a process of its own, which takes with it the memory that only migrations need."""
    process = await asyncio.create_subprocess_exec(*_command(settings, "prepare"))
    if await process.wait():
        raise AffluxError("the database could not be prepared")


def _command(settings: Settings, part: str) -> list[str]:
    """A part as a command of our own; the settings reach it by the environment and the data folder."""
    return [sys.executable, "-m", "afflux", part, "--data", str(settings.data)]


def _children(settings: Settings, host: str, port: int) -> list[Child]:
    api = [*_command(settings, "api"), "--host", host, "--port", str(port)]
    env = {"AFFLUX_PUBLIC_URL": url_of(_within_reach(host), port), **os.environ}
    return [Child("api", api, env), Child("worker", _command(settings, "worker"), env)]


async def _require_free(host: str, port: int) -> None:
    """Raise `AffluxError` when somebody else listens where we want to.

    The API process of a server that was killed a moment ago is given the time to end.
    """
    deadline = asyncio.get_running_loop().time() + _LEAVING
    while (taken := _taken(host, port)) is not None:
        if asyncio.get_running_loop().time() > deadline:
            raise AffluxError(f"cannot listen on {host} port {port}: {taken}")
        await asyncio.sleep(0.1)


def _taken(host: str, port: int) -> str | None:
    """Why we cannot listen there, None when we can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror
    return None


def url_of(host: str, port: int) -> str:
    """Where the server is reached."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _within_reach(host: str) -> str:
    """Where to connect to what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


async def _announce(host: str, port: int, say: Callable[[str], None]) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        while not await _is_ready(client, f"{url_of(_within_reach(host), port)}/ready"):
            await asyncio.sleep(0.1)
    say(f"ready {url_of(host, port)}")


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
