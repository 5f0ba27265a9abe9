"""The API process: an HTTP server on which each dialect is mounted."""

import asyncio
import logging
from collections.abc import Sequence

import uvicorn
from litestar import Litestar, MediaType, Response, get
from litestar.di import NamedDependency, Provide
from litestar.status_codes import HTTP_503_SERVICE_UNAVAILABLE
from litestar.types import ASGIApp

from afflux.config import Settings
from afflux.facades.d1 import api as d1
from afflux.facades.digime import api as digime
from afflux.facades.iswigo import api as iswigo
from afflux.facades.oxlin import api as oxlin
from afflux.runtime import Runtime, open_runtime
from afflux.services.keyring import Keyring
from afflux.store import health
from afflux.web import server
from afflux.web.documentation import documentation
from afflux.web.mounts import Late, Mounts
from afflux.web.openapi import Dialect
from afflux.web.problems import answer_problem
from afflux.widget import api as widget
from afflux.widget import bank
from afflux.widget.consent import api as consent

log = logging.getLogger(__name__)

_FACADES = (iswigo, oxlin, d1, digime)
#: Seconds that a statement may take while somebody waits for an answer.
_STATEMENT = 5.0


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
    libraries = Late(lambda: digime.create(runtime, keyring))
    mounted: dict[str, ASGIApp] = {
        "v1": Late(lambda: iswigo.create(runtime, keyring)),
        **dict.fromkeys(("v2.1", "token", "signin"), Late(lambda: oxlin.create(runtime, keyring))),
        **dict.fromkeys(("banking", "authz"), Late(lambda: d1.create(runtime, keyring))),
        "v1.6": libraries,
        "v1.5": digime.older(libraries),
        "apps": Late(lambda: consent.create(runtime)),
        "widget": Late(lambda: widget.create(runtime)),
        "sandbox": Late(lambda: bank.create(runtime)),
    }
    return Mounts(mounted, Late(lambda: _own(runtime, [facade.documented(runtime) for facade in _FACADES])))


def _own(runtime: Runtime, dialects: Sequence[Dialect]) -> Litestar:
    """What belongs to no dialect."""
    return Litestar(
        [is_alive, is_ready, metrics, documentation(dialects, runtime.settings.public_url)],
        dependencies={"runtime": Provide(lambda: runtime, sync_to_thread=False)},
        exception_handlers={Exception: answer_problem},
        openapi_config=None,
        logging_config=None,
    )


async def run_api(settings: Settings, dsn: str, root_key: bytes, host: str, port: int) -> None:
    """Serve HTTP until SIGTERM."""
    async with open_runtime(settings, dsn, root_key, statement_seconds=_STATEMENT, plan_once=True) as runtime:
        await uvicorn.Server(server.config(create_app(runtime), host, port)).serve()
