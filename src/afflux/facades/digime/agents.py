"""Which SDK a client says it is, and whether the operator still serves it (contract: section 7, 27)."""

import logging
import re
from collections.abc import Mapping

from afflux.facades.digime.errors import Refused

log = logging.getLogger(__name__)

#: What the vendor's SDKs call themselves.
_KNOWN = ("nodejs", "js", "android", "ios")
_NUMBERS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,3}")


def check(agent: object, served: str) -> None:
    """Raises `Refused` for an SDK that is not among those served, such as `nodejs 6.0.0, android`: a name, and the
    oldest version. Where none are named all are served, and so is always a client that does not say what it is.
    """
    told = agent.get("sdk", agent) if isinstance(agent, dict) else None
    name = told.get("name") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(name, str):
        return
    if name not in _KNOWN:
        log.info("a client says that it is an SDK %.40r", name)
    if served:
        _check_served(name, told.get("version"), served)


def _check_served(name: str, version: object, served: str) -> None:
    oldest = _oldest(served)
    if name not in oldest:
        raise Refused(400, "SDKInvalid", f"The SDK is invalid: {name}")
    if _version(version) < oldest[name]:
        raise Refused(403, "SDKVersionInvalid", f"The version of the SDK {name} is no longer supported")


def _oldest(served: str) -> Mapping[str, tuple[int, ...]]:
    parts = (each.split() for each in served.split(","))
    return {name: _version(version[0] if version else None) for name, *version in parts}


def _version(text: object) -> tuple[int, ...]:
    """The leading numbers of a version; of what has none the oldest there is."""
    found = _NUMBERS.match(text) if isinstance(text, str) else None
    return tuple(map(int, found[0].split("."))) if found else ()
