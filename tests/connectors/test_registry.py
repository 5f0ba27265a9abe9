"""Connectors are found by entry point; ids are unique; a broken one stops nobody but itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from afflux.connectors.registry import Registry, problems
from afflux.domain.catalogue import Auth, Channel, Isolation, Kind, Limits, Manifest, Provider, Step
from afflux.domain.challenges import FormField
from afflux.domain.errors import Conflict, NotFound


def channel(id: int, **changes: Any) -> Channel:
    return Channel(id=id, **{"auth": Auth.CREDENTIALS, "kinds": frozenset({Kind.ACCOUNTS}), **changes})


def provider(id: int, *channels: int, **changes: Any) -> Provider:
    return Provider(id=id, channels=tuple(map(channel, channels)), **{"name": "Bank", "country": "FR", **changes})


def manifest(id: str, *providers: Provider, **changes: Any) -> Manifest:
    settings = {"version": "1", "connector": "package.module:connector", "isolation": Isolation.INLINE, **changes}
    return Manifest(id=id, providers=providers, **settings)


ONE = manifest("one", provider(2, 20, 21), provider(1, 10))
TWO = manifest("two", provider(3, 30))


def test_providers_come_in_the_order_of_their_ids() -> None:
    assert [found.id for found in Registry([TWO, ONE]).providers()] == [1, 2, 3]


def test_a_channel_comes_with_its_provider_and_the_connector_that_runs_it() -> None:
    found = Registry([ONE, TWO]).channel(21)
    assert found == (ONE, ONE.providers[0], ONE.providers[0].channels[1])


def test_a_provider_is_found_by_its_id() -> None:
    assert Registry([ONE, TWO]).provider(3) is TWO.providers[0]


def test_what_nobody_brings_is_not_found() -> None:
    registry = Registry([ONE])
    with pytest.raises(NotFound, match="there is no provider 3"):
        registry.provider(3)
    with pytest.raises(NotFound, match="there is no channel 30"):
        registry.channel(30)


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        (manifest("two", provider(1, 99)), "the connectors 'one' and 'two' both have the provider id 1"),
        (manifest("two", provider(9, 20)), "the connectors 'one' and 'two' both have the channel id 20"),
        (manifest("two", provider(9, 90), provider(9, 91)), "the connector 'two' has the provider id 9 twice"),
        (manifest("two", provider(8, 90), provider(9, 90)), "the connector 'two' has the channel id 90 twice"),
        (manifest("one", provider(9, 90)), "two connectors have the id 'one'"),
    ],
)
def test_the_same_id_twice_is_refused_in_one_line(other: Manifest, complaint: str) -> None:
    with pytest.raises(Conflict) as refused:
        Registry([ONE, other])
    assert str(refused.value) == complaint


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (manifest("", provider(1, 10)), "id and a version"),
        (manifest("bad", provider(1, 10), version=""), "id and a version"),
        (manifest("bad", provider(1, 10), connector="package.module"), "package.module:attribute"),
        (manifest("bad", provider(1, 10), connector="../module:x"), "package.module:attribute"),
        (manifest("bad", provider(1, 10), memory_mib=1), "memory_mib"),
        (manifest("bad", provider(1, 10), seconds=0), "memory_mib"),
        (manifest("bad"), "there is no provider"),
        (manifest("bad", provider(0, 10)), "provider 0"),
        (manifest("bad", provider(1, 10, name="")), "provider 1"),
        (manifest("bad", provider(1, 10, country="fr")), "provider 1"),
        (manifest("bad", provider(1)), "no channel"),
        (manifest("bad", provider(1, 0)), "channel 0"),
        (manifest("bad", replace(provider(1), channels=(channel(10, kinds=frozenset()),))), "channel 10"),
        (manifest("bad", replace(provider(1), channels=(channel(10, limits=Limits(history_days=0)),))), "limits"),
        (
            manifest("bad", replace(provider(1), channels=(channel(10, fields=(FormField(name="a", label=""),) * 2),))),
            "the form has a field",
        ),
        (
            manifest("bad", replace(provider(1), channels=(channel(10, steps=(Step(name="sms", fields=()),) * 2),))),
            "a step without a name or one twice",
        ),
    ],
)
def test_a_manifest_that_cannot_work_is_told_what_is_wrong(bad: Manifest, complaint: str) -> None:
    (wrong,) = problems(bad)
    assert complaint in wrong


def test_a_good_manifest_has_no_problems() -> None:
    assert problems(ONE) == ()


GOOD = """
from afflux.domain.catalogue import *
channel = Channel(id=777001, auth=Auth.NONE, kinds=frozenset({Kind.ACCOUNTS}))
provider = Provider(id=777001, name="Bank", country="FR", channels=(channel,))
manifest = Manifest(id="found", version="1", connector="a:b", isolation=Isolation.INLINE, providers=(provider,))
"""


def install(folder: Path, name: str, source: str, attribute: str = "manifest") -> None:
    """Put a distribution with one entry point where Python finds it."""
    (folder / f"{name}_connector.py").write_text(source)
    info = folder / f"{name}_connector-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-connector\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[afflux.connectors]\n{name} = {name}_connector:{attribute}\n")


def test_an_installed_connector_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "found", GOOD)
    monkeypatch.syspath_prepend(tmp_path)
    assert Registry.discover().provider(777001).name == "Bank"


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("importless", "import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("unwritten", "def (", "SyntaxError: invalid syntax"),
        ("raising", "raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("other", "manifest = 5", "it names a int, not a Manifest"),
        ("missing", "", "AttributeError"),
        ("wrong", GOOD.replace('"a:b"', '"a"').replace("7770", "7771"), "connector is not of the form"),
        (
            "mistyped",
            GOOD.replace('country="FR"', "country=None").replace("7770", "7772"),
            "cannot be read (TypeError)",
        ),
    ],
)
def test_a_broken_entry_point_is_one_line_and_stops_nobody(
    name: str,
    source: str,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    install(tmp_path, name, source)
    install(tmp_path, f"beside_{name}", GOOD.replace('"found"', f'"{name}"'))
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry.discover()
    assert registry.provider(777001).name == "Bank"
    (line,) = [line for line in registry.broken if line.startswith(f"connector '{name}'")]
    assert line in caplog.text
    assert complaint in line
    assert "\n" not in line
