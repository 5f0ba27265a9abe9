"""The statement files connector keeps to the contract that every connector has to keep, for each of its formats."""

from pathlib import Path

from afflux.connectors.base import File, Request
from afflux.connectors.files import manifest

from ..contract import ConnectorContract
from .reading import SAMPLES


class _OnFile(ConnectorContract):
    """The contract, played with one real statement file."""

    manifest = manifest
    path: Path

    def request(self) -> Request:
        return self.sync(1000, {}, file=File(name=self.path.name, content=self.path.read_bytes()))


class TestCamt(_OnFile):
    path = SAMPLES / "camt" / "camt053.v2.multi.statement.xml"


class TestMt940(_OnFile):
    path = SAMPLES / "mt940" / "sparkassen.sta"


class TestOfx(_OnFile):
    path = SAMPLES / "ofx" / "multiple_accounts2.ofx"
