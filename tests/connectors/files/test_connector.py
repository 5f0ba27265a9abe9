"""The connector as the core sees it: manifest, order of messages, runs without a file."""

import subprocess
import sys
from datetime import UTC, datetime

from afflux.connectors.base import Context, Operation, Request
from afflux.connectors.files import manifest
from afflux.connectors.files.connector import connector
from afflux.domain.catalogue import Auth, Isolation
from afflux.domain.messages import AccountsListed, Checkpoint, Done, Hint, Progress
from afflux.domain.records import AccountRecord, TransactionRecord
from tests.connectors.files.reading import read_sample


def test_the_manifest_offers_one_provider_with_one_file_channel() -> None:
    (provider,) = manifest.providers
    (channel,) = provider.channels
    assert (provider.id, provider.name, channel.id, channel.auth) == (10, "Statement files", 1000, Auth.FILE)
    assert manifest.isolation is Isolation.PROCESS
    assert not manifest.network


def test_importing_the_manifest_loads_no_parser() -> None:
    code = "import sys, afflux.connectors.files; print([m for m in sys.modules if 'lxml' in m or 'files.' in m])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


async def test_messages_come_in_the_order_the_core_stores_them() -> None:
    outcome = await read_sample("ofx/multiple_accounts2.ofx")
    kinds = [type(message) for message in outcome.messages]
    assert kinds == [Hint, Progress, AccountRecord, AccountRecord, Checkpoint, Checkpoint, Progress, Done]


async def test_each_account_s_transactions_come_before_its_checkpoint() -> None:
    outcome = await read_sample("camt/camt053.v2.multi.statement.xml")
    kinds = [type(message) for message in outcome.messages]
    assert kinds == [Hint, Progress, AccountRecord, TransactionRecord, TransactionRecord, Checkpoint, Progress, Done]
    assert AccountsListed not in kinds


async def test_a_run_without_a_file_has_nothing_to_do() -> None:
    now = datetime(2026, 9, 30, tzinfo=UTC)
    context = Context(interactive=False, now=now, deadline=now)
    request = Request(operation=Operation.SYNC, provider_id=10, channel_id=1000, connection_ref="c")
    assert [message async for message in connector.start(context, request)] == [Done()]
