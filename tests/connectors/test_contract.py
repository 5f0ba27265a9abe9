"""The contract test passes an honest connector, and fails each connector that breaks one of its rules."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from afflux.connectors.base import Context, Operation, Request
from afflux.connectors.wire import WireError
from afflux.domain.catalogue import Auth, Channel, Isolation, Kind, Manifest, Provider, Step
from afflux.domain.challenges import Answer, Challenge, ChallengeKind, FieldType, FormField
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import AccountsListed, Checkpoint, Done, Failure, Message, Park, Progress, StateUpdate
from afflux.domain.records import AccountRecord, TransactionRecord
from tests.connectors.contract import ConnectorContract

PASSWORD = "correct horse"
CODE = (FormField(name="code", label="Code", min_length=4, max_length=4, digits=True),)
FORM = (FormField(name="login", label="Login"), FormField(name="password", label="Password", type=FieldType.PASSWORD))
CHANNEL = Channel(
    id=1,
    auth=Auth.CREDENTIALS,
    kinds=frozenset({Kind.ACCOUNTS, Kind.TRANSACTIONS}),
    fields=FORM,
    steps=(Step(name="sms", fields=CODE),),
)


def manifest(connector: str) -> Manifest:
    providers = (Provider(id=1, name="Village bank", country="FR", channels=(CHANNEL,)),)
    path = f"tests.connectors.test_contract:{connector}"
    return Manifest(id="village", version="1", connector=path, isolation=Isolation.INLINE, providers=providers)


class Honest:
    """A small bank that keeps every rule; the login says whether it asks for a code or is slow."""

    async def start(self, context: Context, request: Request) -> AsyncIterator[Message]:
        yield Progress("connect", 5)
        if request.secrets["login"] == "slow":
            await asyncio.sleep(5)
        if request.secrets["password"] != PASSWORD:
            yield Failure(SyncErrorCode.CREDENTIALS_INVALID)
        elif request.secrets["login"] == "code" and request.state != b"trusted":
            yield self.ask(context)
        else:
            async for message in self.fetch(context, request):
                yield message

    async def resume(self, context: Context, request: Request, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        try:
            expires = datetime.fromisoformat(json.loads(parked)["expires"])
        except (ValueError, KeyError):
            yield Failure(SyncErrorCode.CHALLENGE_EXPIRED)
            return
        if context.now > expires:
            yield Failure(SyncErrorCode.CHALLENGE_EXPIRED)
        elif answer.values.get("code") != "1234":
            yield Failure(SyncErrorCode.CHALLENGE_REJECTED)
        else:
            yield StateUpdate(b"trusted")
            async for message in self.fetch(context, request):
                yield message

    def ask(self, context: Context) -> Message:
        if not context.interactive:
            return Failure(SyncErrorCode.USER_PRESENCE_REQUIRED)
        expires = context.now + timedelta(minutes=5)
        challenge = Challenge(kind=ChallengeKind.INPUT, name="sms", fields=CODE, expires_at=expires)
        return Park(challenge, json.dumps({"expires": expires.isoformat()}).encode())

    async def fetch(self, context: Context, request: Request) -> AsyncIterator[Message]:
        if request.operation in (Operation.CHECK, Operation.REVOKE):
            yield Done()
            return
        yield AccountRecord(key="acc", name="Current", currency="EUR")
        yield AccountsListed()
        yield Progress("history", 50)
        if request.operation is Operation.SYNC:
            for number in range(int(request.cursors.get("acc", "0")), 6):
                yield coffee(number)
            yield Checkpoint(account_key="acc", cursor="4")
        yield Progress("finish", 100)
        yield Done()


def coffee(number: int, **changes: Any) -> TransactionRecord:
    return replace(
        TransactionRecord(
            account_key="acc", key=f"t{number}", amount=Decimal("-2.10"), currency="EUR", booking_date=date(2026, 2, 1)
        ),
        **changes,
    )


class HonestContract(ConnectorContract):
    manifest = manifest("honest")

    def request(self) -> Request:
        return self.sync(1, {"login": "rose", "password": PASSWORD})

    def challenges(self) -> Mapping[str, Request]:
        return {"sms": self.sync(1, {"login": "code", "password": PASSWORD})}

    def answer(self, challenge: Challenge) -> Answer:
        return Answer(values={"code": "1234"})

    def wrong_answer(self, challenge: Challenge) -> Answer | None:
        return Answer(values={"code": "0000"})

    def refused(self) -> Request | None:
        return self.sync(1, {"login": "rose", "password": "wrong horse"})

    def slow(self) -> Request | None:
        return self.sync(1, {"login": "slow", "password": PASSWORD})


class TestHonest(HonestContract):
    """The kit, as a connector's author uses it."""


class Liar(Honest):
    """An honest bank with some of its methods replaced."""

    def __init__(self, **replaced: Any) -> None:
        for name, method in replaced.items():
            setattr(self, name, method.__get__(self))


async def _double(self: Honest, context: Context, request: Request) -> AsyncIterator[Message]:
    """New keys in each run."""
    Counter.runs += 1
    yield AccountRecord(key="acc", name="Current", currency="EUR")
    yield coffee(Counter.runs, key=f"run-{Counter.runs}")
    yield Checkpoint(account_key="acc")
    yield Done()


class Counter:
    runs = 0


async def _lose(self: Honest, context: Context, request: Request) -> AsyncIterator[Message]:
    """The state says that everything was fetched before it was."""
    yield AccountRecord(key="acc", name="Current", currency="EUR")
    yield StateUpdate(b"fetched")
    if request.state != b"fetched":
        yield coffee(1)
    yield Checkpoint(account_key="acc")
    yield Done()


def _fetching(*messages: Message) -> Any:
    async def fetch(self: Honest, context: Context, request: Request) -> AsyncIterator[Message]:
        for message in messages:
            yield message

    return fetch


async def _crash(self: Honest, context: Context, request: Request) -> AsyncIterator[Message]:
    yield Progress("connect", 1)
    raise RuntimeError("broken")


async def _log(self: Honest, context: Context, request: Request) -> AsyncIterator[Message]:
    logging.getLogger("village").debug("logging in with %s", request.secrets["password"])
    async for message in Honest.start(self, context, request):
        yield message


async def _repeat(self: Honest, context: Context, request: Request) -> AsyncIterator[Message]:
    yield StateUpdate(json.dumps(dict(request.secrets)).encode())
    async for message in Honest.start(self, context, request):
        yield message


async def _believe(
    self: Honest, context: Context, request: Request, parked: bytes, answer: Answer
) -> AsyncIterator[Message]:
    """Any answer will do, at any time."""
    async for message in self.fetch(context, request):
        yield message


async def _trust(
    self: Honest, context: Context, request: Request, parked: bytes, answer: Answer
) -> AsyncIterator[Message]:
    """Parked state is taken as it comes."""
    assert json.loads(parked)["expires"]
    async for message in Honest.resume(self, context, request, parked, answer):
        yield message


async def _remember(
    self: Honest, context: Context, request: Request, parked: bytes, answer: Answer
) -> AsyncIterator[Message]:
    """Goes on only where it began."""
    if Counter.runs == 0:
        yield Failure(SyncErrorCode.CHALLENGE_EXPIRED)
        return
    async for message in Honest.resume(self, context, request, parked, answer):
        yield message


async def _count(self: Honest, context: Context, request: Request) -> AsyncIterator[Message]:
    Counter.runs += 1
    async for message in Honest.start(self, context, request):
        yield message


def _pester(self: Honest, context: Context) -> Message:
    return Honest.ask(self, replace(context, interactive=True))


def _expired(self: Honest, context: Context) -> Message:
    return Honest.ask(self, replace(context, now=datetime(2020, 1, 1, tzinfo=UTC)))


async def _block(self: Honest, context: Context, request: Request) -> AsyncIterator[Message]:
    if request.secrets["login"] == "slow":
        yield Failure(SyncErrorCode.NETWORK)
    async for message in Honest.start(self, context, request):
        yield message


async def _shrug(self: Honest, context: Context, request: Request) -> AsyncIterator[Message]:
    async for message in self.fetch(context, request):
        yield message


ACCOUNT = AccountRecord(key="acc", name="Current", currency="EUR")
CHECKPOINT = Checkpoint(account_key="acc")

honest = Honest()
doubling = Liar(fetch=_double)
losing = Liar(fetch=_lose)
empty = Liar(fetch=_fetching(Done()))
endless_fail = Liar(fetch=_fetching(ACCOUNT, Failure(SyncErrorCode.NETWORK)))
backwards = Liar(fetch=_fetching(Progress("history", 50), Progress("history", 40), ACCOUNT, Done()))
orphan = Liar(fetch=_fetching(coffee(1), ACCOUNT, CHECKPOINT, Done()))
unchecked = Liar(fetch=_fetching(ACCOUNT, coffee(1), Done()))
twice = Liar(fetch=_fetching(ACCOUNT, coffee(1), coffee(1), CHECKPOINT, Done()))
afterthought = Liar(fetch=_fetching(AccountsListed(), ACCOUNT, Done()))
floating = Liar(fetch=_fetching(ACCOUNT, coffee(1, amount=-2.5), CHECKPOINT, Done()))
fat = Liar(fetch=_fetching(ACCOUNT, StateUpdate(bytes(300_000)), Done()))
eager = Liar(fetch=_fetching(ACCOUNT, coffee(1), CHECKPOINT, Done()))
crashing = Liar(start=_crash)
logging_it = Liar(start=_log)
repeating = Liar(start=_repeat)
believing = Liar(resume=_believe)
trusting = Liar(resume=_trust)
forgetful = Liar(start=_count, resume=_remember)
pestering = Liar(ask=_pester)
too_late = Liar(ask=_expired)
shrugging = Liar(start=_shrug)
hasty = Liar(start=_block)

BROKEN = {
    "doubling": "test_a_run_that_was_cut_off_and_begun_again_loses_and_doubles_nothing",
    "losing": "test_a_run_that_was_cut_off_and_begun_again_loses_and_doubles_nothing",
    "empty": "test_a_good_run_ends_well",
    "endless_fail": "test_a_good_run_ends_well",
    "floating": "test_every_message_survives_the_wire",
    "fat": "test_a_good_run_ends_well",
    "crashing": "test_every_operation_has_its_end",
    "backwards": "test_messages_come_in_order",
    "orphan": "test_messages_come_in_order",
    "unchecked": "test_messages_come_in_order",
    "twice": "test_messages_come_in_order",
    "afterthought": "test_messages_come_in_order",
    "eager": "test_every_operation_has_its_end",
    "logging_it": "test_secrets_are_never_repeated",
    "repeating": "test_secrets_are_never_repeated",
    "believing": "test_a_wrong_answer_is_rejected",
    "trusting": "test_parked_state_that_is_not_ours_is_refused",
    "forgetful": "test_the_right_answer_goes_on_in_a_fresh_process",
    "pestering": "test_a_run_without_the_person_never_parks",
    "too_late": "test_a_challenge_is_one_that_can_be_shown",
    "shrugging": "test_refused_credentials_are_reported_and_bring_nothing",
    "hasty": "test_the_deadline_is_obeyed",
    "nowhere": "test_the_connector_is_where_the_manifest_says",
}


async def run_test(contract: ConnectorContract, name: str) -> None:
    outcome = getattr(contract, name)()
    if outcome is not None:
        await outcome


@pytest.mark.parametrize("connector", BROKEN)
async def test_a_connector_that_breaks_a_rule_fails_its_test(connector: str) -> None:
    contract = HonestContract()
    contract.manifest = manifest(connector)
    with pytest.raises((AssertionError, AttributeError, WireError)):
        await run_test(contract, BROKEN[connector])


@pytest.mark.parametrize(
    "name",
    ["test_a_late_answer_is_refused", "test_parked_state_that_is_not_ours_is_refused", "test_a_person_may_give_up"],
)
async def test_a_connector_that_believes_every_answer_fails_each_test_about_them(name: str) -> None:
    contract = HonestContract()
    contract.manifest = manifest("believing")
    with pytest.raises(AssertionError):
        await run_test(contract, name)


def test_every_rule_has_a_connector_that_breaks_it() -> None:
    about_answers = {"test_a_late_answer_is_refused", "test_a_person_may_give_up", "test_the_right_answer_goes_on"}
    about_the_manifest = {"test_the_manifest_is_valid", "test_what_the_form_asks_is_what_the_connector_gets"}
    elsewhere = {"test_a_run_can_be_stopped_at_any_time"}
    rules = {name for name in dir(ConnectorContract) if name.startswith("test_")}
    assert rules == set(BROKEN.values()) | about_answers | about_the_manifest | elsewhere


def test_a_manifest_that_cannot_work_fails_its_test() -> None:
    contract = HonestContract()
    contract.manifest = replace(contract.manifest, version="")
    with pytest.raises(AssertionError):
        contract.test_the_manifest_is_valid()


@pytest.mark.parametrize(
    "secrets",
    [{"login": "rose"}, {"login": "rose", "password": PASSWORD, "pin": "1"}],
    ids=["one missing", "one too many"],
)
def test_secrets_that_no_form_asks_for_fail_their_test(secrets: dict[str, str]) -> None:
    class Other(HonestContract):
        def request(self) -> Request:
            return self.sync(1, secrets)

    with pytest.raises(AssertionError):
        Other().test_what_the_form_asks_is_what_the_connector_gets()
