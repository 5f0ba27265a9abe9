"""Provider 87: one bank, reached by login and by consent, and what scripts make it say."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from afflux.connectors.base import Context, Operation, Request
from afflux.connectors.sandbox import manifest, twoways
from afflux.connectors.sandbox.connector import SandboxConnector, create
from afflux.connectors.sandbox.scripts import LARGEST, ScriptError, parse
from afflux.domain.challenges import Answer, Challenge
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Failure, Hint
from afflux.domain.records import AccountType
from tests.connectors.contract import ConnectorContract
from tests.connectors.sandbox.driver import START, Connection, Run, typed

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "sandbox-bank.md"
SCRIPT = """
# Anna's bank
CREDENTIALS|anna|open|sesame
CREDENTIALS_OWNER|ANNA MARTIN
ACCOUNT|a1|0001|16/03/26|1250,40|Checkings||||Daily|||FR76 3000 1007|EUR
TRANSACTION|-12.50|14/03/26|PHONE | MOBILE
TRANSACTION|-3.10|15/03/26|BAKERY
TRANSACTION|-3.10|15/03/26|BAKERY
TRANSACTION|5|17/03/26|TOMORROW
ACCOUNT|a2|0002|16/03/26|300|Savings
TRANSACTION|20.0|01/02/19|LONG AGO
ACCOUNT|a3|0003|16/03/26|-40|CreditCard|||BEN MARTIN|Card|||CH1|CHF
ACCOUNT|a4|0004|16/03/26|-9000.5|loans
"""


@dataclass
class TwoWays(Connection):
    """A connection to provider 87 by login, or by consent as whoever `login` is."""

    provider: int = 87
    password: str = "dev"
    scripts: Path | None = None
    code: str | None = None

    def connector(self) -> SandboxConnector:
        return create(0.0, self.scripts)

    def request(self, operation: Operation = Operation.SYNC) -> Request:
        channel = 8700 if self.code is None else 8701
        secrets = self.secrets if self.code is None else {"code": self.code}
        return replace(super().request(operation), channel_id=channel, secrets=secrets)


def by_login(login: str = "dev", **more: object) -> TwoWays:
    return TwoWays(login, **more)  # type: ignore[arg-type]


def by_consent(login: str = "dev", **more: object) -> TwoWays:
    return TwoWays("", code=twoways.grant(login), **more)  # type: ignore[arg-type]


@pytest.fixture
def anna(tmp_path: Path) -> Path:
    """The folder with Anna's script."""
    (tmp_path / "anna.txt").write_text(SCRIPT)
    return tmp_path


def types(run: Run) -> list[AccountType]:
    return [account.type for account in run.accounts.values()]


def refusal(run: Run) -> SyncErrorCode:
    return run.failure.code


class TestTwoWays(ConnectorContract):
    manifest = manifest

    def request(self) -> Request:
        return self.sync(8700, {"login": "dev+fast", "password": "dev"})

    def challenges(self) -> dict[str, Request]:
        return {"sms": self.sync(8700, {"login": "dev+fast+quiet+sms", "password": "dev"})}

    def answer(self, challenge: Challenge) -> Answer:
        return typed(sms="1234")

    def refused(self) -> Request:
        return self.sync(8700, {"login": "dev", "password": "nonsense"})


class TestByConsent(ConnectorContract):
    manifest = manifest

    def test_what_the_form_asks_is_what_the_connector_gets(self) -> None:
        assert not self.channel(self.request()).fields

    def request(self) -> Request:
        return self.sync(8701, {"code": "grant.dev+fast+quiet+twins"})


def test_consent_comes_first_and_the_ids_are_those_of_the_contract() -> None:
    provider = next(each for each in manifest.providers if each.id == 87)
    consent, login = provider.channels
    assert (provider.name, consent.id, login.id) == ("Afflux Test Bank", 8701, 8700)
    assert (consent.consent_url, consent.fields, consent.limits.consent_days) == ("/sandbox/bank", (), 90)
    assert [field.name for field in login.fields] == ["login", "password"]


async def test_by_login_all_accounts_are_shown_and_by_consent_those_that_people_pay_from() -> None:
    whole, part = await by_login().sync(), await by_consent().sync()
    assert types(whole) == [AccountType.CURRENT, AccountType.DEFERRED_CARD, AccountType.SAVINGS, AccountType.LOAN]
    assert types(part) == [AccountType.CURRENT, AccountType.DEFERRED_CARD]
    assert part.accounts == {key: whole.accounts[key] for key in part.accounts}
    assert part.rows == [row for row in whole.rows if row.account_key in part.accounts]


async def test_what_is_owed_goes_down_month_by_month_until_it_is_paid() -> None:
    connection = by_login()
    now = (await connection.sync()).accounts["loan"].balance
    soon = (await connection.later(days=31).sync()).accounts["loan"].balance
    at_last = (await connection.later(days=3000).sync()).accounts["loan"].balance
    assert (now, soon, at_last) == (Decimal("-11250.00"), Decimal("-11000.00"), Decimal("0.00"))


@pytest.mark.parametrize(("login", "password"), [("dev", "123456"), ("dev", ""), ("ben", "dev"), ("", "dev")])
async def test_nobody_else_is_known(login: str, password: str) -> None:
    assert refusal(await by_login(login, password=password).sync()) is SyncErrorCode.CREDENTIALS_INVALID


async def test_nobody_else_can_have_consented_either() -> None:
    assert refusal(await by_consent("ben").sync()) is SyncErrorCode.CREDENTIALS_INVALID


async def test_words_after_the_login_do_what_they_do_elsewhere() -> None:
    assert (await by_login("dev+sms").sync()).park.challenge.name == "sms"
    assert refusal(await by_login("dev+locked").sync()) is SyncErrorCode.ACCOUNT_LOCKED
    assert len((await by_consent("dev+sms").sync()).accounts) == 2
    assert len((await by_login("dev+accounts-7").sync()).accounts) == 7


async def test_consent_lasts_90_days_and_then_the_bank_is_not_asked() -> None:
    connection = by_consent()
    assert (await connection.sync()).accounts
    assert (await connection.later(days=89).sync()).accounts
    ended = await connection.later(days=1).sync()
    assert ended.failure == Failure(SyncErrorCode.CONSENT_EXPIRED, "consent has ended")
    assert [hint.consent_expires_at for hint in ended.of(Hint)] == [connection.now]
    assert not ended.accounts


async def test_a_new_grant_begins_anew_and_an_old_one_does_not() -> None:
    connection = by_consent()
    await connection.sync()
    connection.later(days=100)
    assert refusal(await connection.sync()) is SyncErrorCode.CONSENT_EXPIRED
    connection.code = twoways.grant("dev")
    (hint,) = (await connection.sync()).of(Hint)
    assert hint.consent_expires_at is not None
    assert (hint.consent_expires_at - connection.now).days == 90


async def test_without_any_grant_there_is_no_consent() -> None:
    connection = replace(by_consent(), code="")
    assert refusal(await connection.sync()) is SyncErrorCode.CONSENT_EXPIRED


async def test_a_script_says_everything(anna: Path) -> None:
    run = await by_login("anna", password="open|sesame", scripts=anna).sync()
    daily, savings, card, loan = run.accounts.values()
    assert (daily.name, daily.iban, daily.balance, daily.owner) == (
        "Daily", "FR7630001007", Decimal("1250.40"), "ANNA MARTIN",
    )  # fmt: skip
    assert (savings.name, savings.type, savings.currency) == ("0002", AccountType.SAVINGS, "EUR")
    assert (card.type, card.owner, card.currency) == (AccountType.CARD, "BEN MARTIN", "CHF")
    assert (loan.type, loan.balance) == (AccountType.LOAN, Decimal("-9000.5"))
    assert [(row.text, row.amount) for row in run.rows] == [
        ("PHONE | MOBILE", Decimal("-12.50")), ("BAKERY", Decimal("-3.10")), ("BAKERY", Decimal("-3.10")),
        ("LONG AGO", Decimal("20.0")),
    ]  # fmt: skip


async def test_a_movement_of_tomorrow_appears_tomorrow_and_a_change_counts_at_once(anna: Path) -> None:
    connection = by_consent("anna", scripts=anna)
    assert len((await connection.sync()).rows) == 3
    assert (await connection.later(days=1).sync()).row("TOMORROW").day == date(2026, 3, 17)
    (anna / "anna.txt").write_text("ACCOUNT|a1|0001|16/03/26|7|Checkings\n")
    changed = await connection.sync()
    assert (changed.accounts["a1"].balance, changed.rows) == (Decimal("7"), [])


async def test_a_script_is_for_those_it_names(anna: Path) -> None:
    assert refusal(await by_login("anna", scripts=anna).sync()) is SyncErrorCode.CREDENTIALS_INVALID
    (anna / "dev.txt").write_text("CREDENTIALS|somebody|else\n")
    assert refusal(await by_login("dev", scripts=anna).sync()) is SyncErrorCode.CREDENTIALS_INVALID
    (anna / "carl.txt").write_text("ACCOUNT|a1|0001|16/03/26|7|Checkings\n")
    assert len((await by_login("carl", scripts=anna).sync()).accounts) == 1


@pytest.mark.parametrize("login", ["../anna", "/etc/hostname", ".anna", "anna/", "x" * 101, "an\0na"])
async def test_a_login_is_no_path(anna: Path, login: str) -> None:
    (anna / "below").mkdir()
    run = await by_login(login, scripts=anna / "below").sync()
    assert refusal(run) is SyncErrorCode.CREDENTIALS_INVALID


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("NONSENSE|1", "begins with none of"),
        ("CREDENTIALS|anna", "a login and a password"),
        ("CREDENTIALS_OWNER|", "needs a name"),
        ("ACCOUNT|a1|0001|16/03/26|7", "6 to 14 fields"),
        ("ACCOUNT|" + "|" * 14, "6 to 14 fields"),
        ("ACCOUNT||0001|16/03/26|7|Checkings", "uid of its own"),
        ("ACCOUNT|a0|0001|16/03/26|7|Checkings", "uid of its own"),
        ("ACCOUNT|a1|0001|16/03/2026|7|Checkings", "the day is not"),
        ("ACCOUNT|a1|0001|31/02/26|7|Checkings", "the day is not"),
        ("ACCOUNT|a1|0001|16/03/26|7|Chequings", "the type is none of"),
        ("ACCOUNT|a1|0001|16/03/26|NaN|Checkings", "the amount is no number"),
        ("ACCOUNT|a1|0001|16/03/26|7|Checkings||||||||eur", "three capital letters"),
        ("TRANSACTION|12", "an amount, a day and a label"),
        ("TRANSACTION|12|14/03/26", "an amount, a day and a label"),
        ("TRANSACTION|1e9|14/03/26|X", "the amount is no number"),
        ("TRANSACTION|12|٠١/03/26|X", "the day is not"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, error: str) -> None:
    script = f"ACCOUNT|a0|0000|16/03/26|1|Checkings\n\n{line}\n"
    with pytest.raises(ScriptError, match=f"^anna.txt, line 3: .*{error}"):
        parse("anna.txt", script.encode())


def test_a_movement_needs_an_account() -> None:
    with pytest.raises(ScriptError, match="line 1: a transaction follows its account"):
        parse("anna.txt", b"TRANSACTION|1|14/03/26|X")


def test_a_script_is_utf_8() -> None:
    with pytest.raises(ScriptError, match="line 2: not UTF-8"):
        parse("anna.txt", b"\xef\xbb\xbf# fine\r\n# \xff\r\n")


async def test_a_script_that_cannot_be_read_fails_the_sync_before_anything_is_said(anna: Path) -> None:
    for content, detail in [
        (b"ACCOUNT|", "anna.txt, line 1: "),
        (b"#" * (LARGEST + 1), "anna.txt has more than 256 KiB"),
    ]:
        (anna / "anna.txt").write_bytes(content)
        run = await by_consent("anna", scripts=anna).sync()
        assert refusal(run) is SyncErrorCode.PROVIDER_CHANGED
        assert run.failure.detail.startswith(detail)
        assert not run.accounts


async def test_the_folder_of_the_context_is_used_where_no_other_is_set(anna: Path) -> None:
    connection = by_login("anna", password="open|sesame")
    context = Context(interactive=True, now=START, deadline=START, folder=str(anna))
    messages = [message async for message in create(0.0).start(context, connection.request())]
    assert len(Run(messages).accounts) == 4


async def test_the_example_of_the_page_can_be_read() -> None:
    (example,) = (block for block in PAGE.read_text().split("```") if block.startswith("\nCREDENTIALS"))
    script = parse("anna.txt", example.encode())
    assert [(len(account.rows), account.record.owner) for account in script.accounts] == [
        (2, "ANNA MARTIN"),
        (0, "ANNA MARTIN"),
    ]
    assert script.accounts[0].record.iban == "FR7630001007941234567890185"
    assert script.accounts[1].record.name == "Rainy days"
