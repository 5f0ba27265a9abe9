"""The yardstick of a read: a server that fetches the same rows and writes the same objects, and does nothing else."""

from uuid import UUID

import asyncpg
import msgspec
import uvicorn
from litestar.types import ASGIApp, Receive, Scope, Send

from afflux.facades.iswigo.wire.bank import TransactionObject
from afflux.facades.iswigo.wire.values import number
from afflux.web import server

_SQL = """
    SELECT id, account_id, day, value_date, settlement_month, check_number, amount, text, counterparty
    FROM transactions WHERE account_id = $1 ORDER BY day DESC, number LIMIT $2
"""


async def serve_bare(dsn: str, account_id: UUID, limit: int, port: int) -> None:
    """Answer every request with the account's first `limit` transactions."""
    async with asyncpg.create_pool(dsn, min_size=0, max_size=10) as pool:
        await uvicorn.Server(server.config(_app(pool, account_id, limit), "127.0.0.1", port)).serve()


def _app(pool: asyncpg.Pool, account_id: UUID, limit: int) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = msgspec.json.encode([_shown(row) for row in await pool.fetch(_SQL, account_id, limit)])
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return app


def _shown(row: asyncpg.Record) -> TransactionObject:
    id, account_id, day, value_date, month, check, amount, text, counterparty = row
    return TransactionObject(id, account_id, day, value_date, None, month, check, number(amount), text, counterparty)
