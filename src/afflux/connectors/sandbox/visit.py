"""One run at a sandbox bank, from the first call to `Done`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

from afflux.connectors.base import Context, Operation, Request
from afflux.connectors.sandbox.books import Book, Scene
from afflux.connectors.sandbox.challenges import SENDING, Verdict, ask, judge
from afflux.connectors.sandbox.fetch import Fetch
from afflux.connectors.sandbox.memory import Memory, Parked
from afflux.connectors.sandbox.plan import Plan, Stage
from afflux.domain.challenges import Answer, Challenge
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import (
    AccountsListed,
    Done,
    Failure,
    Hint,
    Message,
    Park,
    Progress,
    StateUpdate,
    Warning,
)

#: Accounts whose history is fetched at the same time.
SIDE_BY_SIDE = 20
#: Percent at which fetching history begins and ends.
HISTORY_FROM, HISTORY_TO = 25, 85


class Refused(Exception):
    """The bank ends the run. Carried from wherever it happens to the one place that yields it."""

    def __init__(self, code: SyncErrorCode, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.failure = Failure(code, detail, retry_after)


class Visit:
    """The run itself. Lives as long as one call of `start` or `resume`."""

    def __init__(self, context: Context, request: Request, plan: Plan, memory: Memory, latency: float) -> None:
        self._context = context
        self._request = request
        self._plan = plan
        self._memory = memory
        self._began = memory.began or context.now
        self._seconds = latency if plan.seconds_per_call is None else plan.seconds_per_call
        seed = f"{request.provider_id}:{request.secrets.get('login', '')}"
        self._scene = Scene(seed, memory.linked.date(), context.now.date(), memory.run)

    def begin(self) -> AsyncIterator[Message]:
        """Connect and log in; then ask the person, or do the work."""
        return self._run(self._enter())

    def go_on(self, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        """Give the person's answer to the bank; then ask again, or do the work."""
        return self._run(self._hear(parked, answer))

    async def _run(self, opening: AsyncIterator[Message]) -> AsyncIterator[Message]:
        try:
            async for message in opening:
                yield message
                if isinstance(message, Park | Done):
                    return
            books = self._books()
            async for message in self._list(books):
                yield message
            if self._request.operation is Operation.SYNC:
                async for message in self._sync(books):
                    yield message
        except Refused as refusal:
            yield StateUpdate(self._memory.dump())
            yield refusal.failure
            return
        if self._plan.ends:
            yield Done()

    async def _enter(self) -> AsyncIterator[Message]:
        if self._plan.by_consent and not self._memory.consents(self._context.now):
            yield Hint(consent_expires_at=self._memory.consent_until)
            raise Refused(SyncErrorCode.CONSENT_EXPIRED, "consent has ended")
        yield Progress("connect", 0)
        await self._call()
        yield StateUpdate(self._memory.dump())
        self._trip(Stage.CONNECT)
        if self._request.operation is Operation.REVOKE:
            yield StateUpdate(replace(self._memory, consent_until=None).dump())
            yield Done()
            return
        yield Progress("auth", 5)
        await self._log_in()
        for message in self._ask(0) if self._must_ask() else self._welcome():
            yield message

    async def _hear(self, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        yield Progress("auth", 10)
        stand = self._stand(parked)
        await self._call()
        waits = self._decide(stand, answer)
        if waits is not None:
            yield Park(self._challenge(waits), waits.dump())
        elif stand.step + 1 < len(self._plan.steps):
            for message in self._ask(stand.step + 1):
                yield message
        else:
            yield self._consent()
            for message in self._welcome():
                yield message

    async def _call(self) -> None:
        if self._seconds:
            await asyncio.sleep(self._seconds)

    def _trip(self, stage: Stage) -> None:
        """Fail where the plan says so, and remember it."""
        waited = (self._context.now - self._began).total_seconds()
        for place, fault in enumerate(self._plan.faults):
            if fault.stage is stage and fault.hits(self._memory.run, self._memory.failed.get(place, 0), waited):
                self._memory = self._memory.failing(place)
                raise Refused(fault.code, fault.detail, None if fault.seconds is None else fault.seconds - waited)

    async def _log_in(self) -> None:
        await self._call()
        self._trip(Stage.LOGIN)
        if self._plan.password not in (None, self._request.secrets.get("password")):
            raise Refused(SyncErrorCode.CREDENTIALS_INVALID, "login or password refused")

    def _must_ask(self) -> bool:
        if self._plan.asks_the_absent:
            return not self._context.interactive
        return bool(self._plan.steps) and not self._memory.consents(self._context.now)

    def _ask(self, step: int) -> Iterator[Message]:
        """Ask the person, unless nobody is there: then nothing is sent."""
        if not self._context.interactive:
            raise Refused(SyncErrorCode.USER_PRESENCE_REQUIRED, "the bank asks who is there")
        name = self._plan.steps[step]
        if name == "redirect" and not self._context.redirect_url:
            raise Refused(SyncErrorCode.UNSUPPORTED_AUTH, "no address to come back to from the bank's site")
        if name in SENDING:
            self._memory = replace(self._memory, sent=self._memory.sent + 1)
            yield StateUpdate(self._memory.dump())
        life = timedelta(seconds=self._plan.challenge_seconds)
        parked = Parked(step=step, expires_at=self._context.now + life)
        yield Park(self._challenge(parked), parked.dump())

    def _challenge(self, parked: Parked) -> Challenge:
        return ask(self._plan.steps[parked.step], parked.expires_at, self._context.redirect_url, self._plan)

    def _stand(self, parked: bytes) -> Parked:
        stand = Parked.load(parked)
        if stand is None or stand.step >= len(self._plan.steps):
            raise Refused(SyncErrorCode.CHALLENGE_EXPIRED, "the bank does not know this challenge")
        if self._plan.code_expired or self._context.now >= stand.expires_at:
            raise Refused(SyncErrorCode.CHALLENGE_EXPIRED, "the answer came too late")
        return stand

    def _decide(self, stand: Parked, answer: Answer) -> Parked | None:
        """Return what to park when the same challenge stays open, `None` when it is passed."""
        step = self._plan.steps[stand.step]
        match judge(step, answer, stand, self._plan):
            case Verdict.ACCEPTED:
                return None
            case Verdict.WAITING:
                return replace(stand, looks=stand.looks + 1)
            case Verdict.WRONG if stand.wrong < self._plan.forgiven:
                return replace(stand, wrong=stand.wrong + 1)
            case Verdict.DENIED if step == "redirect":
                raise Refused(SyncErrorCode.CONSENT_REQUIRED, "consent was refused on the bank's site")
            case Verdict.DENIED:
                raise Refused(SyncErrorCode.CHALLENGE_REJECTED, "the person said no")
        raise Refused(SyncErrorCode.CHALLENGE_REJECTED, "the answer is wrong")

    def _consent(self) -> StateUpdate:
        until = self._context.now + timedelta(days=self._plan.consent_days)
        self._memory = replace(self._memory, consent_until=until)
        return StateUpdate(self._memory.dump())

    def _welcome(self) -> Iterator[Message]:
        yield Progress("auth", 15)
        if self._memory.consent_until is not None:
            yield Hint(consent_expires_at=self._memory.consent_until)
        if self._request.operation is Operation.CHECK:
            yield Done()

    def _books(self) -> list[Book]:
        books = self._plan.bank(self._scene) if self._plan.bank else []
        for behaviour in self._plan.behaviours:
            books = behaviour(self._scene, books)
        return books

    async def _list(self, books: list[Book]) -> AsyncIterator[Message]:
        if self._plan.bank is None:
            return
        yield Progress("accounts", 20)
        await self._call()
        for book in books:
            yield book.account
        yield AccountsListed()

    async def _sync(self, books: list[Book]) -> AsyncIterator[Message]:
        if self._plan.trick is not None:
            async for message in self._plan.trick():
                yield message
        async for message in self._history(books):
            yield message
        if self._plan.portal is not None:
            yield Progress("documents", 90)
            await self._call()
            for document in self._plan.portal(self._scene, self._began):
                yield document
        yield Progress("finish", 100)
        # Last of all: a run that is killed before this is committed is tried again under its own number, so that
        # what it had already given keeps its keys; once it is committed, the sync is over.
        yield StateUpdate(self._memory.finished().dump())

    async def _history(self, books: list[Book]) -> AsyncIterator[Message]:
        """Fetch all accounts, some side by side, page by page."""
        cursors = self._request.cursors
        for book in books:
            if book.closed_today:
                yield Warning("account_skipped", f"{book.account.name}: the bank gives no history", book.account.key)
        open_books = [book for book in books if not book.closed_today]
        fetches = [Fetch(book, cursors.get(book.account.key), self._scene.today) for book in open_books]
        pages = sum(fetch.pages for fetch in fetches)
        given = 0
        yield Progress("history", HISTORY_FROM)
        for start in range(0, len(fetches), SIDE_BY_SIDE):
            open_ = fetches[start : start + SIDE_BY_SIDE]
            while open_:
                await self._call()  # a page of each at the same time takes as long as one page
                for fetch in open_:
                    for row in fetch.page():
                        yield row
                    if fetch is fetches[-1]:
                        self._trip(Stage.HISTORY)
                    for message in fetch.end() if fetch.ended else ():
                        yield message
                given += len(open_)
                yield Progress("history", HISTORY_FROM + (HISTORY_TO - HISTORY_FROM) * given // pages)
                open_ = [fetch for fetch in open_ if not fetch.ended]
