"""Every command says what the reference says, as JSON and for people."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest
import typer

from afflux.cli import MODULES
from afflux.domain.errors import SYNC_ERRORS
from afflux.runtime import Runtime
from tests.cli.commanding import Outcome, afflux
from tests.conftest import Tenant
from tests.connectors.files.reading import SAMPLES
from tests.jobs.acting import link, working

ALICE = "alice@example.org"
COUNTS = {"added", "changed", "removed", "unchanged"}
ACCOUNT = {
    "id", "number", "connection_id", "channel_id", "type", "status", "name", "account_number", "iban", "bban", "bic",
    "currency", "balance", "balance_at", "owner", "is_professional", "parent_id", "created_at", "updated_at",
}  # fmt: skip


async def test_an_application_is_made_with_its_credentials(here: Runtime) -> None:
    made = (await afflux("app", "create", "store", "--psd2", "--redirect-uri", "https://a.example/back", "--json")).json
    assert made.keys() == {"application", "iswigo", "oxlin"}
    assert (made["application"], made["iswigo"].keys(), made["oxlin"].keys()) == (
        "store", {"app", "secret"}, {"client_id", "client_secret"},
    )  # fmt: skip
    shown = await afflux("app", "create", "another")
    secrets = re.findall(r"secret +(\S+)$", shown.out, re.MULTILINE)
    assert len(secrets) == 2
    assert min(map(len, secrets)) >= 32


async def test_a_user_is_added_linked_synchronised_and_listed(here: Runtime) -> None:
    await afflux("app", "create", "shop")
    user = (await afflux("user", "add", "shop", "--email", ALICE, "--password", "p", "--json")).json
    assert user["email"] == ALICE
    linking = ("--provider", 1000, "--login", "fast+accounts-2+documents-1", "--password", "123456")
    linked = (await afflux("connect", "shop", "--user", ALICE, *linking, "--json")).json
    assert linked["provider"] == 1000
    assert linked["login"] == f"fas{'#' * 21}s-1"
    async with working(here):
        synced = (await afflux("sync", "shop", "--user", user["user"], "--json")).json
    assert (synced["connection"], synced["status"], synced["error"]) == (linked["connection"], "finished", None)
    assert synced["transactions"] == {"added": 40, "changed": 0, "removed": 0, "unchanged": 0}
    accounts = (await afflux("accounts", "shop", "--user", ALICE, "--json")).json
    rows = (await afflux("transactions", "shop", "--user", ALICE, "--json")).json
    assert [account.keys() for account in accounts] == [ACCOUNT, ACCOUNT]
    assert all(isinstance(account["balance"], str) for account in accounts)
    assert len(rows) == 40
    assert all(re.fullmatch(r"-?\d+\.\d\d", row["amount"]) for row in rows)
    of_one = (await afflux("transactions", "shop", "--user", ALICE, "--account", accounts[0]["id"], "--json")).json
    assert {row["account_id"] for row in of_one} == {accounts[0]["id"]}
    assert len((await afflux("transactions", "shop", "--user", ALICE, "--limit", 3, "--json")).json) == 6


async def test_documents_are_listed_and_written_to_files(
    here: Runtime, alice: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await link(here, alice, "fast+empty+documents-1")
    async with working(here):
        assert (await afflux("sync", "shop", "--user", ALICE)).code == 0
    (document,) = (await afflux("documents", "shop", "--user", ALICE, "--json")).json
    getting = ("documents", "get", "shop", document["id"], "--user", ALICE)
    written = (await afflux(*getting, "--json")).json
    assert Path(written["file"]).read_bytes().startswith(b"%PDF-")
    assert Path(written["file"]).stat().st_size == document["size"]
    assert "exists already" in (await afflux(*getting)).complaint
    assert (await afflux(*getting, "-o", "again.pdf")).out == f"again.pdf  {document['size']} bytes\n"
    assert "No such file" in (await afflux(*getting, "-o", "nowhere/x.pdf")).complaint


async def test_events_come_in_order_with_their_positions(here: Runtime, alice: Tenant) -> None:
    await link(here, alice, "fast")
    await link(here, alice, "fast")
    events = (await afflux("events", "shop", "--json")).json
    later = (await afflux("events", "shop", "--after", 1, "--limit", 1, "--json")).json
    assert [event["position"] for event in events] == [1, 2, 3]
    assert later == events[1:2]
    assert (await afflux("events", "shop", "--after", 3, "--json")).json == []


async def test_files_are_imported_for_a_user_who_is_made_on_the_way(
    here: Runtime, alice: Tenant, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.xml"
    broken.write_text("<Document")
    sample = SAMPLES / "camt" / "camt053.v2.multi.statement.xml"
    async with working(here):
        first = await afflux("import", "shop", "--user", "new@example.org", sample, broken, sample, "--json")
    one, refused, again = json.loads(first.out)
    assert first.code == 1
    assert (one["format"], one["accounts"], one["error"]) == ("camt.053.001.02", 1, None)
    assert one["transactions"] == {"added": 2, "changed": 0, "removed": 0, "unchanged": 0}
    assert again["transactions"] == {"added": 0, "changed": 0, "removed": 0, "unchanged": 2}
    assert (refused["file"], refused["transactions"].keys()) == (str(broken), COUNTS)
    assert first.err == f"afflux: {broken}: {refused['error']}\n"
    assert len((await afflux("transactions", "shop", "--user", "new@example.org", "--json")).json) == 2


async def test_erasing_counts_first_and_then_leaves_nothing(here: Runtime, alice: Tenant) -> None:
    await link(here, alice, "fast")
    erasing = ("user", "erase", "shop", "--user", ALICE, "--json")
    preview = (await afflux(*erasing, "--preview")).json
    assert preview == {"counts": {"connection_channels": 1, "connections": 1, "events": 2}, "preview": True}
    erased = (await afflux(*erasing)).json
    assert erased["counts"] == preview["counts"]
    assert erased.keys() == {"counts", "operation"}
    assert (await afflux(*erasing)).complaint == f"application 'shop' has no user '{ALICE}'"


async def test_the_sandboxs_clock_moves_on(here: Runtime) -> None:
    first = (await afflux("sandbox", "advance", "--days", 3, "--json")).json
    second = (await afflux("sandbox", "advance", "--days", 4, "--json")).json
    assert first.keys() == {"date"}
    assert date.fromisoformat(second["date"]) - date.fromisoformat(first["date"]) in (timedelta(4), timedelta(5))
    assert (date.fromisoformat(second["date"]) - datetime.now(UTC).date()).days in (6, 7)


async def test_a_step_is_answered_from_the_command_line_or_left_open(here: Runtime, alice: Tenant) -> None:
    await link(here, alice, "fast+quiet+choice-sms")
    async with working(here):
        open_step = await afflux("sync", "shop", "--user", ALICE, "--json")
        wrong = await afflux("sync", "shop", "--user", ALICE, "--json", "--answer", "choice=pigeon")
        answers = ("--answer", "choice=sms", "--answer", "sms=1234")
        done = await afflux("sync", "shop", "--user", ALICE, "--json", *answers)
    assert (open_step.code, json.loads(open_step.out)["step"]) == (3, "choice")
    assert (wrong.code, json.loads(wrong.out)["status"]) == (3, "waiting")
    assert done.json["status"] == "finished"


async def test_a_failed_sync_says_why_and_exits_with_1(here: Runtime, alice: Tenant) -> None:
    await link(here, alice, "fast+quiet", password="wrong")
    async with working(here):
        told, shown = [await afflux("sync", "shop", "--user", ALICE, *more) for more in (["--json"], [])]
    assert (told.code, json.loads(told.out)["error"]) == (1, "credentials_invalid")
    assert shown.code == 1
    assert SYNC_ERRORS["credentials_invalid"].text in shown.out


async def test_people_read_whole_lines_without_folded_ids(here: Runtime, alice: Tenant) -> None:
    await link(here, alice, "fast+accounts-1+documents-1")
    async with working(here):
        synced = await afflux("sync", "shop", "--user", ALICE)
    listed = {
        command: await afflux(command, "shop", "--user", ALICE) for command in ("accounts", "transactions", "documents")
    }
    uuids = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    assert len(synced.out.splitlines()) == 1
    assert uuids.match(synced.out)
    assert [len(listed[command].out.splitlines()) for command in listed] == [2, 21, 2]
    assert uuids.search(listed["accounts"].out)
    assert uuids.search(listed["documents"].out)
    events = await afflux("events", "shop")
    assert all(re.match(r" *\d+  \d\d:\d\d:\d\d", line) for line in events.out.splitlines()[1:])
    assert "success" in events.out
    assert "{'" not in events.out


async def test_a_banks_text_is_neither_markup_nor_a_command_to_the_terminal(here: Runtime, alice: Tenant) -> None:
    await link(here, alice, "fast+accounts-1+history-1")
    async with working(here):
        await afflux("sync", "shop", "--user", ALICE)
    async with here.database.transaction() as tx:
        await tx.execute("UPDATE transactions SET text = $1", "[/bold][red]\x1b]0;x\x07 CAFE")
        await tx.execute("UPDATE accounts SET name = '[link=http://x]', balance = $1", Decimal("1E+3"))
    shown = (await afflux("transactions", "shop", "--user", ALICE)).out + (
        await afflux("accounts", "shop", "--user", ALICE)
    ).out
    assert "[/bold][red]\N{REPLACEMENT CHARACTER}]0;x\N{REPLACEMENT CHARACTER} CAFE" in shown
    assert "[link=http://x]" in shown
    assert "1,000" in shown
    assert "\x1b" not in shown


def _columns(outcome: Outcome) -> int:
    return max(map(len, outcome.out.splitlines()))


def test_every_command_is_where_it_is_looked_for() -> None:
    found = {}
    for module in set(MODULES.values()):
        app = typer.Typer()
        import_module(f"afflux.cli.{module}").add_to(app)
        found |= {each.name: module for each in (*app.registered_commands, *app.registered_groups)}
    assert found == MODULES


COMMANDS = (
    "app create", "user add", "user erase", "connect", "sync", "accounts", "transactions", "documents",
    "documents list", "documents get", "events", "import", "sandbox advance", "serve", "api", "worker", "demo",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
async def test_help_says_what_a_command_does_in_80_columns(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = await afflux(*command.split(), "--help")
    assert (shown.code, shown.err) == (0, "")
    assert _columns(shown) <= 80
    assert re.search(r"^ (?!Usage)[A-Z].*\w\.? *$", shown.out, re.MULTILINE)
    assert "--data" in shown.out or command == "documents"
