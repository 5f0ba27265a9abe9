"""The API process: an HTTP server on which each dialect is mounted."""

import asyncio
import logging

import uvicorn
from litestar import Litestar, MediaType, Response, get
from litestar.status_codes import HTTP_503_SERVICE_UNAVAILABLE

from afflux.config import Settings
from afflux.runtime import Runtime, open_runtime
from afflux.store import health

log = logging.getLogger(__name__)


@get("/health", media_type=MediaType.JSON)
async def is_alive() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@get("/ready", media_type=MediaType.JSON)
async def is_ready(runtime: Runtime) -> Response[dict[str, str]]:
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
async def metrics(runtime: Runtime) -> str:
    """What is to be done, in the text format of Prometheus."""
    async with runtime.database.transaction() as tx:
        counts = await health.syncs_by_status(tx)
    lines = ["# HELP afflux_syncs Synchronisations that are to end.", "# TYPE afflux_syncs gauge"]
    lines += [
        f'afflux_syncs{{status="{status}"}} {counts.get(status, 0)}' for status in ("pending", "running", "waiting")
    ]
    return "\n".join(lines) + "\n"


def create_app(runtime: Runtime) -> Litestar:
    """The application with everything mounted."""

    async def provide_runtime() -> Runtime:
        return runtime

    return Litestar(
        [is_alive, is_ready, metrics],
        dependencies={"runtime": provide_runtime},
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
