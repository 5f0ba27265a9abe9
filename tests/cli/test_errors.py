"""Whatever goes wrong is one line on standard error, a non-zero exit, and no traceback."""

from pathlib import Path
from uuid import uuid4

import pytest

from afflux.runtime import Runtime
from tests.cli.commanding import afflux
from tests.conftest import Tenant

ALICE = ("--user", "alice@example.org")
SHOP = ("shop", *ALICE)

WRONG = {
    "an unknown application": (("accounts", "nope", *ALICE), "application 'nope' not found"),
    "an unknown user": (("accounts", "shop", "--user", "x@y.zz"), "application 'shop' has no user 'x@y.zz'"),
    "an id of nobody": (("sync", "shop", "--user", str(uuid4())), "has no user"),
    "an application that exists": (("app", "create", "shop"), "application 'shop' exists already"),
    "a name that is none": (("app", "create", "a b"), "a name has 1 to 64"),
    "a user that exists": (
        ("user", "add", "shop", "--email", "ALICE@example.org", "--password", "p"),
        "exists already",
    ),
    "a bad e-mail": (("user", "add", "shop", "--email", "alice", "--password", "p"), "invalid e-mail address"),
    "an empty password": (("user", "add", "shop", "--email", "a@b.cc", "--password", ""), "a password has"),
    "a file that is not there": (("import", *SHOP, "/nowhere/x.xml"), "/nowhere/x.xml: No such file"),
    "a folder for a file": (("import", *SHOP, "/"), "Is a directory"),
    "an import for nobody": (("import", "shop", "--user", "alice", __file__), "has no user 'alice'"),
    "no connections": (("sync", *SHOP), "the user has no connections yet"),
    "an unknown connection": (("sync", *SHOP, "--connection", str(uuid4())), "no such connection"),
    "an unknown provider": (("connect", *SHOP, "--provider", "4711"), "there is no provider 4711"),
    "a provider under maintenance": (("connect", *SHOP, "--provider", "1011"), "Provider not available"),
    "a provider without a login": (("connect", *SHOP, "--provider", "10"), "provider 10"),
    "a missing login": (("connect", *SHOP, "--provider", "999", "--password", "123456"), "Invalid parameter login"),
    "a malformed field": (("connect", *SHOP, "--provider", "999", "--field", "x"), "is not NAME=VALUE"),
    "a malformed answer": (("sync", *SHOP, "--answer", "1234"), "is not STEP=VALUE"),
    "an unknown document": (("documents", "get", "shop", str(uuid4()), *ALICE), "document not found"),
    "an unknown account": (("transactions", *SHOP, "--account", str(uuid4())), "account not found"),
    "bytes that are no text": (("accounts", "shop", "--user", "\udcff"), "is not text"),
    "an unknown command": (("nonsense",), "No such command 'nonsense'"),
    "an unknown option": (("accounts", *SHOP, "--nonsense"), "No such option: --nonsense"),
    "a missing argument": (("accounts",), "Missing argument 'NAME'"),
    "a missing option": (("accounts", "shop"), "Missing option '--user'"),
    "a number that is none": (("sandbox", "advance", "--days", "many"), "Invalid value for '--days'"),
    "a negative number": (("sandbox", "advance", "--days", "-1"), "Invalid value for '--days'"),
    "an id that is none": (("transactions", *SHOP, "--account", "first"), "Invalid value for '--account'"),
}


async def test_a_mistake_is_said_in_one_line(here: Runtime, alice: Tenant) -> None:
    for mistake, (command, said) in WRONG.items():
        assert said in (await afflux(*command)).complaint, mistake


async def test_a_mistake_is_no_value_for_programs_either(here: Runtime, alice: Tenant) -> None:
    for mistake in ("an unknown application", "a missing option", "no connections"):
        command, said = WRONG[mistake]
        assert said in (await afflux(*command, "--json")).complaint, mistake


async def test_a_file_that_is_too_large_does_not_stop_the_others(here: Runtime, alice: Tenant, tmp_path: Path) -> None:
    large = tmp_path / "large.xml"
    large.write_bytes(bytes(26 * 1024 * 1024))
    refused = await afflux("import", *SHOP, large)
    assert refused.code == 1
    assert refused.err == f"afflux: {large}: large.xml: larger than 25 MiB\n"


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("AFFLUX_POOL_SIZE", "abc", "AFFLUX_POOL_SIZE must be a whole number"),
        ("AFFLUX_ROOT_KEY", "abc", "AFFLUX_ROOT_KEY must be 64 hexadecimal digits"),
        ("AFFLUX_ROOT_KEY", "00" * 32, "another root key"),
        ("AFFLUX_DATABASE_URL", "nonsense", "AFFLUX_DATABASE_URL must begin with postgresql://"),
        ("AFFLUX_DATABASE_URL", "postgresql://u:hush@127.0.0.1:1/x", "database"),
        ("AFFLUX_DATABASE_URL", "postgresql://u:hush@nobody.invalid/x", "database"),
    ],
)
async def test_a_wrong_setting_is_said_in_one_line_without_its_secret(
    here: Runtime, alice: Tenant, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, said: str
) -> None:
    await afflux("accounts", *SHOP)  # The database remembers the root key.
    monkeypatch.setenv(setting, value)
    complaint = (await afflux("accounts", *SHOP)).complaint
    assert said in complaint
    assert "hush" not in complaint


async def test_no_such_database_is_said_in_one_line(here: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFFLUX_DATABASE_URL", here.dsn.replace("@/", "@/missing_"))
    assert "cannot use the database" in (await afflux("accounts", *SHOP)).complaint


async def test_an_open_data_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFFLUX_DATABASE_URL", raising=False)
    tmp_path.chmod(0o755)
    complaint = (await afflux("accounts", *SHOP, "--data", tmp_path)).complaint
    assert complaint == f"{tmp_path} has mode 0755 and must have 0700: run chmod 700 {tmp_path}"


async def test_an_unforeseen_error_is_one_line_too(here: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFFLUX_DATABASE_URL", "postgresql://u:hush@[x/y")
    refused = await afflux("accounts", *SHOP)
    assert refused.code != 0
    assert refused.err.count("\n") == 1
    assert "hush" not in refused.err
    assert "Traceback" not in refused.err
