"""The tests every connector has to pass: inherit `ConnectorContract`, say what your connector needs, run pytest.

    class TestPiggy(ConnectorContract):
        manifest = manifest

        def request(self) -> Request:
            return self.sync(channel_id=1, secrets={"login": "rose", "password": "correct horse"})

Everything runs against the real connector. A hook that is left alone means that the connector has no such case.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from afflux.connectors import drive, host, wire
from afflux.connectors.base import Context, Operation, Request
from afflux.connectors.drive import Job
from afflux.connectors.registry import Registry, problems
from afflux.domain.catalogue import Auth, Channel, Isolation, Manifest
from afflux.domain.challenges import Answer, Challenge, FieldType
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import (
    Done,
    Failure,
    Message,
    Park,
)
from afflux.domain.records import DocumentRecord, TransactionRecord
from tests.connectors.contract_checks import RECORDS, Held, Order, check_fits, failed, heard, holds, places

_ROUNDS = 10


class ConnectorContract:
    """Inherit, set `manifest`, write `request`, and override the hooks that apply."""

    manifest: Manifest
    #: When every run begins.
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    #: At how many places a run is cut off and begun again.
    cuts = 10

    # Hooks.

    def request(self) -> Request:
        """A sync that brings something and ends well, perhaps after challenges."""
        raise NotImplementedError

    def challenges(self) -> Mapping[str, Request]:
        """Requests that stop at a challenge, by a name for the report: one for each kind the connector knows."""
        return {}

    def answer(self, challenge: Challenge) -> Answer:
        """The right answer."""
        raise AssertionError(f"the contract test does not know the answer to {challenge.name!r}")

    def wrong_answer(self, challenge: Challenge) -> Answer | None:
        """An answer the provider refuses, where the challenge has one."""
        return None

    def refused(self) -> Request | None:
        """A sync with credentials that the provider refuses."""
        return None

    def slow(self) -> Request | None:
        """A sync that takes at least three seconds."""
        return None

    def canaries(self, request: Request) -> tuple[str, ...]:
        """What must never be repeated; the values of password fields, unless you know better."""
        hidden = {field.name for field in self.channel(request).fields if field.type is FieldType.PASSWORD}
        return tuple(value for name, value in request.secrets.items() if name in hidden and len(value) > 3)

    # Help for hooks.

    def sync(self, channel_id: int, secrets: Mapping[str, str], **more: Any) -> Request:
        """A request for a sync through one of the manifest's channels."""
        _, provider, channel = Registry([self.manifest]).channel(channel_id)
        settings = {"operation": Operation.SYNC, "connection_ref": "contract", "secrets": secrets, **more}
        return Request(provider_id=provider.id, channel_id=channel.id, **settings)

    def channel(self, request: Request) -> Channel:
        """The channel a request is for."""
        return Registry([self.manifest]).channel(request.channel_id)[2]

    def context(self, *, interactive: bool = True, seconds: float = 60, later: float = 0) -> Context:
        """The circumstances of a run that begins `later` seconds after `now`."""
        now = self.now + timedelta(seconds=later)
        return Context(
            interactive=interactive,
            now=now,
            deadline=now + timedelta(seconds=seconds),
            redirect_url="https://afflux.example/widget/return",
        )

    # The contract.

    def test_the_manifest_is_valid(self) -> None:
        assert problems(self.manifest) == ()
        assert Registry([self.manifest]).manifests == (self.manifest,)

    def test_the_connector_is_where_the_manifest_says(self) -> None:
        assert drive.load(self.manifest.connector)

    def test_what_the_form_asks_is_what_the_connector_gets(self) -> None:
        for request in self._requests():
            form = self.channel(request).fields
            unknown = set(request.secrets) - {field.name for field in form}
            assert not unknown, f"no form field asks for {unknown}"
            for asked in form:
                check_fits(asked, request.secrets.get(asked.name))
            assert wire.exact(request) == request

    async def test_a_good_run_ends_well(self) -> None:
        *before, last = await self._converse(self.request())
        assert last == Done()
        assert any(isinstance(message, RECORDS) for message in before), "the good run brings nothing"

    async def test_messages_come_in_order(self) -> None:
        request = self.request()
        order = Order(set(request.cursors))
        for message in await self._converse(request, raw=True):
            order.take(message)
        assert order.faults == []

    async def test_every_message_survives_the_wire(self) -> None:
        for request in self._requests():
            for message in await self._observe(self.context(), request):
                assert wire.exact(message) == message

    async def test_a_run_that_was_cut_off_and_begun_again_loses_and_doubles_nothing(self) -> None:
        request = self.request()
        messages = await self._converse(request)
        whole = Held(request).take(messages)
        second = Held(request).take(await self._converse(whole.request()))
        for cut in places(messages, self.cuts):
            held = Held(request).take(messages[:cut])
            held.take(await self._converse(held.request()))
            place = f"cut off after {cut} of {len(messages)} messages"
            assert whole.things <= held.things, f"{place}, something is lost"
            assert held.things <= whole.things | second.things, f"{place}, something is there twice"

    async def test_every_operation_has_its_end(self) -> None:
        if self.channel(self.request()).auth is Auth.FILE:
            pytest.skip("a file can only be read")
        for operation, forbidden in _FORBIDDEN.items():
            *before, last = await self._converse(replace(self.request(), operation=operation))
            broken = isinstance(last, Failure) and last.code is SyncErrorCode.CONNECTOR_BROKEN
            assert not broken, f"{operation}: {last}"
            assert not any(isinstance(message, forbidden) for message in before), f"{operation} brings too much"

    async def test_a_run_can_be_stopped_at_any_time(self) -> None:
        start = time.monotonic()
        async with aclosing(self._run(self.context(), self.request())) as stream:
            await anext(stream)
        assert time.monotonic() - start < 10

    async def test_refused_credentials_are_reported_and_bring_nothing(self) -> None:
        *before, last = await self._converse(self.refused() or pytest.skip("there are no credentials to refuse"))
        assert isinstance(last, Failure)
        assert last.code is SyncErrorCode.CREDENTIALS_INVALID
        assert not any(isinstance(message, RECORDS) for message in before)

    async def test_the_deadline_is_obeyed(self) -> None:
        request = self.slow() or pytest.skip("the connector has no slow provider to offer")
        start = time.monotonic()
        *_, last = [message async for message in self._run(self.context(seconds=1), request)]
        assert isinstance(last, Failure)
        assert last.code is SyncErrorCode.TIMEOUT
        assert time.monotonic() - start < 6

    async def test_secrets_are_never_repeated(self) -> None:
        for request in self._requests():
            with heard() as log:
                messages = await self._converse(request, raw=True, keep_parks=True, patient=False)
            for canary in self.canaries(request):
                assert canary not in repr(request), "repr(request) shows a secret"
                assert not any(canary in line for line in log), "a log line shows a secret"
                for message in messages:
                    assert not holds(message, canary), f"a {type(message).__name__} holds a secret"

    async def test_a_challenge_is_one_that_can_be_shown(self) -> None:
        for name, request in self._challenges():
            challenge = (await self._park(request)).challenge
            assert challenge.expires_at > self.now, name
            if challenge.fields:
                steps = {step.name for step in self.channel(request).steps}
                assert challenge.name in steps, f"{name}: {challenge.name!r} is no step of the channel"

    async def test_the_right_answer_goes_on(self) -> None:
        for name, request in self._challenges():
            assert (await self._converse(request))[-1] == Done(), name

    async def test_the_right_answer_goes_on_in_a_fresh_process(self) -> None:
        for name, request in self._challenges():
            assert (await self._converse(request, fresh=True))[-1] == Done(), name

    async def test_a_wrong_answer_is_rejected(self) -> None:
        for name, request in self._challenges():
            park = await self._park(request)
            wrong = self.wrong_answer(park.challenge)
            if wrong is not None:
                last = await self._resume(request, park.parked, wrong)
                assert isinstance(last, Park) or failed(last, SyncErrorCode.CHALLENGE_REJECTED), f"{name}: {last}"

    async def test_a_late_answer_is_refused(self) -> None:
        for name, request in self._challenges():
            park = await self._park(request)
            late = (park.challenge.expires_at - self.now).total_seconds() + 1
            last = await self._resume(request, park.parked, self.answer(park.challenge), later=late)
            assert failed(last, SyncErrorCode.CHALLENGE_EXPIRED), f"{name}: {last}"

    async def test_parked_state_that_is_not_ours_is_refused(self) -> None:
        for name, request in self._challenges():
            park = await self._park(request)
            for parked in (b"", b"\xff\x00garbage", park.parked[: len(park.parked) // 2]):
                last = await self._resume(request, parked, self.answer(park.challenge))
                assert failed(last, SyncErrorCode.CHALLENGE_EXPIRED), f"{name}: {last}"

    async def test_a_person_may_give_up(self) -> None:
        for name, request in self._challenges():
            park = await self._park(request)
            last = await self._resume(request, park.parked, Answer(cancel=True))
            assert isinstance(last, Failure), name
            assert last.code is not SyncErrorCode.CONNECTOR_BROKEN, name

    async def test_a_run_without_the_person_never_parks(self) -> None:
        for name, request in self._challenges():
            *_, last = await self._observe(self.context(interactive=False), request)
            assert failed(last, SyncErrorCode.USER_PRESENCE_REQUIRED), f"{name}: {last}"

    # How it is done.

    def _requests(self) -> list[Request]:
        refused = self.refused()
        return [self.request(), *self.challenges().values(), *([refused] if refused else [])]

    def _challenges(self) -> list[tuple[str, Request]]:
        return list(self.challenges().items()) or pytest.skip("the connector never asks")

    def _run(
        self, context: Context, request: Request, *, fresh: bool = False, **more: Any
    ) -> AsyncGenerator[Message, None]:
        isolation = Isolation.PROCESS if fresh else self.manifest.isolation
        return host.run(replace(self.manifest, isolation=isolation), context, request, **more)

    async def _observe(self, context: Context, request: Request, **more: Any) -> list[Message]:
        """What the connector itself yields, before the host mends anything."""
        job = Job(connector=self.manifest.connector, context=context, request=request, **more)
        async with asyncio.timeout(60):
            return [message async for message in drive.stream(job)]

    async def _converse(
        self,
        request: Request,
        *,
        raw: bool = False,
        fresh: bool = False,
        keep_parks: bool = False,
        patient: bool = True,
    ) -> list[Message]:
        """All messages of a run, each challenge in between answered; the challenges themselves left out."""
        said: list[Message] = []
        more: dict[str, Any] = {}
        for _ in range(_ROUNDS):
            if raw:
                part = await self._observe(self.context(), request, **more)
            else:
                part = [message async for message in self._run(self.context(), request, fresh=fresh, **more)]
            assert part, "the run has no messages"
            last = part[-1]
            if not isinstance(last, Park):
                return said + part
            said += part if keep_parks else part[:-1]
            more = {"parked": last.parked, "answer": self.answer(last.challenge)}
        assert not patient, f"still not done after {_ROUNDS} answers"
        return said

    async def _park(self, request: Request) -> Park:
        *_, last = [message async for message in self._run(self.context(), request)]
        assert isinstance(last, Park), f"it should have stopped at a challenge: {last}"
        return last

    async def _resume(self, request: Request, parked: bytes, answer: Answer, *, later: float = 0) -> Message:
        context = self.context(later=later)
        *_, last = [message async for message in self._run(context, request, parked=parked, answer=answer)]
        return last


#: What the other operations do not bring.
_FORBIDDEN: dict[Operation, tuple[type, ...]] = {
    Operation.CHECK: RECORDS,
    Operation.DISCOVER: (TransactionRecord, DocumentRecord),
    Operation.REVOKE: RECORDS,
}
