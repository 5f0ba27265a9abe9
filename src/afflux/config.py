"""Settings, read from the environment once. `docs/reference/settings.md` lists them all."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from afflux.domain.errors import InvalidInput

PREFIX = "AFFLUX_"


def default_data_folder() -> Path:
    """`$XDG_DATA_HOME/afflux`, or `~/.local/share/afflux`."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "afflux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can set; each field is `AFFLUX_` and its name in capitals."""

    #: The folder with the embedded database and the root key.
    data: Path = field(default_factory=default_data_folder)
    #: A PostgreSQL to use instead of the embedded one (a DSN).
    database_url: str | None = field(default=None, repr=False)
    #: The root key as 64 hexadecimal digits, instead of `root.key` in the data folder.
    root_key: str | None = field(default=None, repr=False)
    #: Where browsers reach this server; redirects from banks come back below it.
    public_url: str = "http://127.0.0.1:8080"
    #: Seconds added to the server's clock; for rehearsing expiry and retention.
    clock_offset: int = 0
    #: Seconds one run of a sync may take, not counting the time it waits for its user.
    sync_seconds: int = 1800
    #: Syncs that one worker runs at the same time.
    worker_concurrency: int = 1000
    #: Seconds without a sign of life after which a worker's job runs again elsewhere.
    heartbeat_seconds: int = 20
    #: Database connections of one process.
    pool_size: int = 10
    #: Life of an access token in seconds, instead of each facade's own; for tests and strict operators.
    access_token_seconds: int | None = None
    #: Iswigo: whether linking a provider, or changing what was typed for it, starts a sync.
    iswigo_sync_on_create: bool = True
    #: Iswigo: whether a status has the codes of the newer documentation too.
    iswigo_status_codes: bool = False
    #: The version of the terms of service in force, as Iswigo's profile shows it.
    iswigo_terms: str = "2019-10-01"
    #: The mail server, `smtp://user:password@host:port` or `smtps://…`; without one, letters stay in the data folder.
    smtp_url: str | None = field(default=None, repr=False)
    #: The address that mail comes from.
    mail_from: str = "Afflux <afflux@localhost>"
    #: Iswigo: requests that an application may send in a minute, to each process; without it any number.
    iswigo_requests: int | None = None
    #: Days for which events are kept.
    event_days: int = 30
    #: The ledger of erasures, instead of `erasures.jsonl` in the data folder.
    erasure_ledger: Path | None = None
    #: D1: seconds after which a worker carries out an erasure; without them it is carried out before the answer.
    d1_erasure_delay: int | None = None
    #: D1: what an assertion may name as its audience, besides our own origin; a comma between several.
    d1_audience: str = ""
    #: Oxlin: whether reading a queue removes what was read.
    oxlin_queue_drain: bool = False
    #: Oxlin: events that a queue holds, the newest.
    oxlin_queue_events: int = 1000
    #: Oxlin: seconds after which a queue that nobody reads is gone.
    oxlin_queue_seconds: int = 86400
    #: digi.me: seconds by which the time in a request's token may differ from ours.
    digime_clock_skew: int = 300
    #: digi.me: seconds that a session lives, longer while its data is fetched.
    digime_session_seconds: int = 900
    #: digi.me: days that a refresh token lives.
    digime_refresh_days: int = 30
    #: digi.me: bytes that a pushed file may have.
    digime_push_bytes: int = 10 * 1024 * 1024
    #: digi.me: signed requests that a contract may send in a minute, to each process; without it any number.
    digime_requests: int | None = None
    #: digi.me: the SDKs that are served, with their oldest version; a comma between several, none of them is all.
    digime_sdks: str = ""

    @property
    def ledger(self) -> Path:
        """Where the ledger of erasures is."""
        return self.erasure_ledger or self.data / "erasures.jsonl"


#: What the text of some settings looks like.
_CHECKS = {
    "iswigo_terms": (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "a date such as 2019-10-01"),
    "smtp_url": (
        re.compile(r"smtps?://([^@/\s]+@)?([\w.-]+|\[[\w:]+])(:[0-9]{1,5})?/?"),
        "smtp://user:password@host:port",
    ),
    "digime_sdks": (
        re.compile(r"(\w+( \d+(\.\d+)*)?(, *\w+( \d+(\.\d+)*)?)*)?"),
        "names, each with its oldest version or none, such as nodejs 6.0.0, android",
    ),
    "mail_from": (re.compile(r"([^<>@\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)"), "an e-mail address"),
}


def _convert(name: str, kind: object, text: str) -> object:
    if kind in (int, int | None):
        return _number(name, text)
    if kind is bool:
        return _switch(name, text)
    if name == "database_url" and not text.startswith(("postgres://", "postgresql://")):
        raise InvalidInput(f"{PREFIX}DATABASE_URL must begin with postgresql://")
    if name in _CHECKS and not _CHECKS[name][0].fullmatch(text):
        raise InvalidInput(f"{PREFIX}{name.upper()} must be {_CHECKS[name][1]}")
    if name == "public_url":
        return text.rstrip("/")
    return Path(text) if kind in (Path, Path | None) else text


def _switch(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise InvalidInput(f"{PREFIX}{name.upper()} must be 0 or 1")
    return text == "1"


def _number(name: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise InvalidInput(f"{PREFIX}{name.upper()} must be a whole number") from None
    if number < 1 and name != "clock_offset":
        raise InvalidInput(f"{PREFIX}{name.upper()} must be at least 1")
    return number


def load(environment: Mapping[str, str] = os.environ, **overrides: object) -> Settings:
    """Settings from the environment; `overrides` (from the command line) win where they are not None.

    Raises `InvalidInput` naming the variable that cannot be read.
    """
    values: dict[str, object] = {}
    for each in fields(Settings):
        text = environment.get(PREFIX + each.name.upper())
        if text:
            values[each.name] = _convert(each.name, each.type, text)
    values.update({name: value for name, value in overrides.items() if value is not None})
    return Settings(**values)  # type: ignore[arg-type]
