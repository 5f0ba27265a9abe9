"""The API process: an HTTP server on which each dialect is mounted."""

import asyncio
import logging

import uvicorn
from litestar import Litestar, MediaType, Response, get
from litestar.di import NamedDependency, Provide
from litestar.status_codes import HTTP_503_SERVICE_UNAVAILABLE
from litestar.types import ASGIApp

from afflux.config import Settings
from afflux.facades.iswigo import api as iswigo
from afflux.runtime import Runtime, open_runtime
from afflux.services.keyring import Keyring
from afflux.store import health
from afflux.web.mounts import Mounts

log = logging.getLogger(__name__)


@get("/health", media_type=MediaType.JSON)
async def is_alive() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@get("/ready", media_type=MediaType.JSON)
async def is_ready(runtime: NamedDependency[Runtime]) -> Response[dict[str, str]]:
    """The database answers too, and has its tables."""
    try:
        async with asyncio.timeout(5), runtime.database.transaction() as tx:
            ready = await health.alive(tx)
    except Exception:
        ready = False
    return (
        Response({"status": "ok"})
        if ready
        else Response({"status": "starting"}, status_code=HTTP_503_SERVICE_UNAVAILABLE)
    )


@get("/metrics", media_type=MediaType.TEXT)
async def metrics(runtime: NamedDependency[Runtime]) -> str:
    """What is to be done, in the text format of Prometheus."""
    async with runtime.database.transaction() as tx:
        counts = await health.syncs_by_status(tx)
    lines = ["# HELP afflux_syncs Synchronisations that are to end.", "# TYPE afflux_syncs gauge"]
    lines += [
        f'afflux_syncs{{status="{status}"}} {counts.get(status, 0)}' for status in ("pending", "running", "waiting")
    ]
    return "\n".join(lines) + "\n"


def create_app(runtime: Runtime) -> ASGIApp:
    """Everything on one origin."""
    keyring = Keyring(runtime.database, runtime.vault)
    return Mounts({"v1": iswigo.create(runtime, keyring)}, _own(runtime))


def _own(runtime: Runtime) -> Litestar:
    """What belongs to no dialect."""

    return Litestar(
        [is_alive, is_ready, metrics],
        dependencies={"runtime": Provide(lambda: runtime, sync_to_thread=False)},
        openapi_config=None,
        logging_config=None,
    )


async def run_api(settings: Settings, dsn: str, root_key: bytes, host: str, port: int) -> None:
    """Serve HTTP until SIGTERM."""
    async with open_runtime(settings, dsn, root_key) as runtime:
        config = uvicorn.Config(
            create_app(runtime),
            host=host,
            port=port,
            loop="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=25,
            h11_max_incomplete_event_size=16 * 1024,
        )
        await uvicorn.Server(config).serve()
