"""What a broken connector would do, so that one can see how the host takes it.

Each runs between the accounts and the history.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import cast

from afflux.domain.messages import Message, Progress, StateUpdate
from afflux.domain.records import TransactionRecord


async def crash() -> AsyncIterator[Message]:
    """Raise what no connector should raise."""
    yield Progress("history", 25)
    raise RuntimeError("the sandbox bank crashes because its login says so")


async def hang() -> AsyncIterator[Message]:
    """Never come back."""
    yield Progress("history", 25)
    await asyncio.Event().wait()


async def garbage() -> AsyncIterator[Message]:
    """Yield something that is no message."""
    yield cast("Message", "<html>503</html>")


async def undated() -> AsyncIterator[Message]:
    """Yield a movement without any date."""
    yield TransactionRecord(account_key="current", key="undated", amount=Decimal("-1.00"), currency="EUR")


async def stray() -> AsyncIterator[Message]:
    """Yield a movement on an account that was not listed."""
    day = date(2026, 1, 1)
    amount = Decimal("-1.00")
    yield TransactionRecord(account_key="nowhere", key="stray", amount=amount, currency="EUR", booking_date=day)


async def huge_state() -> AsyncIterator[Message]:
    """Keep more state than is allowed."""
    yield StateUpdate(b" " * (300 * 1024))
