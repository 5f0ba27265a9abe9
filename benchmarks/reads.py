"""Reading pages of an account over HTTP: near ones against a bare server, far ones against near ones."""

import json
from statistics import median
from uuid import UUID

from afflux.access import root_key
from afflux.app import run_api
from afflux.datafolder import open_data_folder
from afflux.runtime import Runtime
from benchmarks.bare import serve_bare
from benchmarks.ground import served
from benchmarks.load import answer, seconds
from benchmarks.reader import Reader, make_reader
from benchmarks.results import Result
from benchmarks.rows import stored
from benchmarks.scale import Scale

#: Transactions of a page: of one that is compared with the bare server, and of a far one.
_PAGE, _FAR_PAGE = 50, 20
_ACCOUNT_ROWS = 1000
#: Reads of one turn: few, so that whatever else the machine does meets both that are compared.
_TURN = 100


async def reads(runtime: Runtime, scale: Scale) -> list[Result]:
    """Reads through the whole facade, with signature, token and headers."""
    reader = await make_reader(runtime)
    account_id = await stored(runtime, reader.tenant, _ACCOUNT_ROWS)
    far_account_id = await stored(runtime, reader.tenant, scale.far_rows)
    # As it soon does by itself: in the middle of a run, plans would change.
    await runtime.database.pool.execute("VACUUM ANALYZE")
    root = root_key(runtime.settings, open_data_folder(runtime.settings.data))
    async with (
        served(run_api, runtime.settings, runtime.dsn, root, "127.0.0.1") as (port, _),
        served(serve_bare, runtime.dsn, account_id, _PAGE) as (bare_port, _),
    ):
        return [
            await _against_the_bare_server(scale, port, reader.request(account_id, 0, _PAGE), bare_port),
            await _far_against_near(scale, port, reader, far_account_id),
        ]


async def _against_the_bare_server(scale: Scale, port: int, request: bytes, bare_port: int) -> Result:
    assert json.loads(await answer(port, request)) == json.loads(await answer(bare_port, request))
    bare, ours = await _in_turn(scale, (bare_port, request), (port, request))
    return Result(
        what=f"read of {_PAGE} transactions over HTTP, against a bare server",
        measured=100 * _ratio(bare, ours),
        unit="%",
        target=60,
        at_least=True,
        detail=f"{1 / median(ours):,.0f}/s; bare {1 / median(bare):,.0f}/s",
    )


async def _far_against_near(scale: Scale, port: int, reader: Reader, account_id: UUID) -> Result:
    last = scale.far_rows // _FAR_PAGE - 1
    near, far = (reader.request(account_id, number * _FAR_PAGE, _FAR_PAGE) for number in (0, last))
    assert len(json.loads(await answer(port, far))) == _FAR_PAGE
    near_seconds, far_seconds = await _in_turn(scale, (port, near), (port, far))
    return Result(
        what=f"page {last + 1:,} of {scale.far_rows:,} transactions, against page 1",
        measured=_ratio(far_seconds, near_seconds),
        unit="×",
        target=2,
        detail=f"{1 / median(far_seconds):,.0f}/s; page 1 {1 / median(near_seconds):,.0f}/s",
    )


async def _in_turn(scale: Scale, one: tuple[int, bytes], other: tuple[int, bytes]) -> tuple[list[float], list[float]]:
    """Seconds that a read of each takes on average, turn by turn, after one that does not count."""
    reads = min(scale.reads, _TURN)
    turns = [[await seconds(*each, reads) / reads for each in (one, other)] for _ in range(scale.reads // reads + 1)]
    first, second = zip(*turns[1:], strict=True)
    return list(first), list(second)


def _ratio(ones: list[float], others: list[float]) -> float:
    return median(one / other for one, other in zip(ones, others, strict=True))
