"""Which connectors there are, and the providers and channels they bring."""

import logging
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from itertools import pairwise

from afflux.domain.catalogue import Auth, Channel, Manifest, Provider
from afflux.domain.errors import Conflict, NotFound

GROUP = "afflux.connectors"

log = logging.getLogger("afflux.connectors")

_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_COUNTRY = re.compile(r"[A-Z]{2}")


class Registry:
    """All manifests of one server, indexed."""

    def __init__(self, manifests: Iterable[Manifest], broken: Iterable[str] = ()) -> None:
        """Raises `Conflict` where two connectors, providers or channels have one id."""
        self.manifests = tuple(sorted(manifests, key=lambda manifest: manifest.id))
        #: One line for each entry point that was left out.
        self.broken = tuple(broken)
        self._providers: dict[int, tuple[Manifest, Provider]] = {}
        self._channels: dict[int, tuple[Manifest, Provider, Channel]] = {}
        _refuse_same_ids(self.manifests)
        for manifest in self.manifests:
            self._index(manifest)

    @classmethod
    def discover(cls) -> "Registry":
        """Everything installed. A broken entry point is logged, kept in `broken`, and stops nobody else."""
        manifests: list[Manifest] = []
        broken: list[str] = []
        for point in sorted(set(entry_points(group=GROUP)), key=lambda point: (point.name, point.value)):
            found = _load(point)
            if isinstance(found, Manifest):
                manifests.append(found)
            else:
                broken.append(found)
                log.error("%s", found)
        return cls(manifests, broken)

    def providers(self) -> tuple[Provider, ...]:
        """All providers, by id."""
        return tuple(self._providers[id][1] for id in sorted(self._providers))

    def provider(self, id: int) -> Provider:
        """The provider; raises `NotFound`."""
        if id not in self._providers:
            raise NotFound(f"there is no provider {id}")
        return self._providers[id][1]

    def channel(self, id: int) -> tuple[Manifest, Provider, Channel]:
        """The channel, its provider and the connector that runs it; raises `NotFound`."""
        if id not in self._channels:
            raise NotFound(f"there is no channel {id}")
        return self._channels[id]

    def _index(self, manifest: Manifest) -> None:
        for provider in manifest.providers:
            if provider.id in self._providers:
                raise Conflict(_twice("provider", provider.id, self._providers[provider.id][0], manifest))
            self._providers[provider.id] = (manifest, provider)
            for channel in provider.channels:
                if channel.id in self._channels:
                    raise Conflict(_twice("channel", channel.id, self._channels[channel.id][0], manifest))
                self._channels[channel.id] = (manifest, provider, channel)


def problems(manifest: Manifest) -> tuple[str, ...]:
    """What is wrong with one manifest, one line each; empty for a good one."""
    return tuple(_problems(manifest))


def _load(point: EntryPoint) -> Manifest | str:
    """The manifest, or one line that says why there is none."""
    title = f"connector {point.name!r} ({point.value}) is left out"
    try:
        found = point.load()
    except Exception as error:
        # Another's module may raise anything at all while it is imported.
        return f"{title}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if not isinstance(found, Manifest):
        return f"{title}: it names a {type(found).__name__}, not a Manifest"
    try:
        wrong = problems(found)
    except Exception as error:
        return f"{title}: its manifest cannot be read ({type(error).__name__})"
    return f"{title}: {wrong[0]}" if wrong else found


def _refuse_same_ids(manifests: tuple[Manifest, ...]) -> None:
    for one, other in pairwise(manifests):
        if one.id == other.id:
            raise Conflict(f"two connectors have the id {one.id!r}")


def _twice(what: str, id: int, first: Manifest, second: Manifest) -> str:
    if first is second:
        return f"the connector {first.id!r} has the {what} id {id} twice"
    return f"the connectors {first.id!r} and {second.id!r} both have the {what} id {id}"


def _problems(manifest: Manifest) -> Iterator[str]:
    if not manifest.id or not manifest.version:
        yield "the manifest needs an id and a version"
    if not _PATH.fullmatch(manifest.connector):
        yield "connector is not of the form package.module:attribute"
    if manifest.memory_mib < 128 or manifest.seconds < 1:
        yield "memory_mib has to be at least 128 and seconds at least 1"
    if not manifest.providers:
        yield "there is no provider"
    for provider in manifest.providers:
        yield from _provider_problems(provider)


def _provider_problems(provider: Provider) -> Iterator[str]:
    if provider.id < 1 or not provider.name or not _COUNTRY.fullmatch(provider.country):
        yield f"provider {provider.id} needs a positive id, a name and a country of two capital letters"
    if not provider.channels:
        yield f"provider {provider.id} has no channel"
    for channel in provider.channels:
        yield from _channel_problems(channel)


def _channel_problems(channel: Channel) -> Iterator[str]:
    limits = channel.limits
    if channel.id < 1 or not channel.kinds:
        yield f"channel {channel.id} needs a positive id and at least one kind"
    if limits.unattended_per_day < 0 or limits.history_days < 1 or limits.concurrency < 0:
        yield f"channel {channel.id} has limits that cannot be kept"
    if (channel.auth is Auth.REDIRECT) != (channel.consent_url is not None):
        yield f"channel {channel.id} needs a consent_url if, and only if, its auth is redirect"
    forms = [("the form", channel.fields), *((f"the step {step.name!r}", step.fields) for step in channel.steps)]
    for title, form in forms:
        names = [field.name for field in form]
        if not all(names) or len(set(names)) != len(names):
            yield f"channel {channel.id}: {title} has a field without a name or one twice"
    steps = [step.name for step in channel.steps]
    if not all(steps) or len(set(steps)) != len(steps):
        yield f"channel {channel.id} has a step without a name or one twice"
