"""The docs keep up with the code."""

import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

from afflux.config import Settings
from afflux.domain.events import EventType

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def test_every_setting_is_described() -> None:
    page = (DOCS / "reference" / "settings.md").read_text()
    described = set(re.findall(r"^\| `AFFLUX_(\w+)`", page, re.MULTILINE))
    source = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    elsewhere = set(re.findall(r"\"AFFLUX_([A-Z_]+)\"", source)) - {"SUPERVISOR_PIPE"}
    assert described == {field.name.upper() for field in fields(Settings)} | elsewhere


def test_every_event_type_is_described() -> None:
    page = (DOCS / "reference" / "events.md").read_text()
    assert re.findall(r"^\| `([a-z.]+)`", page, re.MULTILINE) == list(EventType)


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} → {target}"


def test_the_facades_list_every_endpoint() -> None:
    for page in (ROOT / "src" / "afflux" / "facades").glob("*/README.md"):
        rows = re.findall(r"^\|[^|]*\| ([A-Z]+) \| `([^`]+)` \|", page.read_text(), re.MULTILINE)
        served = import_module(f"afflux.facades.{page.parent.name}.api").HANDLERS
        assert sorted(rows) == sorted(
            (method, re.sub(r":\w+\}", "}", "/" + path.strip("/")))
            for handler in served
            for path in handler.paths
            for method in handler.http_methods
        )
