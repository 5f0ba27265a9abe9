"""Commands on the test's own database."""

import pytest

from afflux.runtime import Runtime
from tests.conftest import ROOT_KEY


@pytest.fixture
def here(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """Commands of this process find the test's database."""
    monkeypatch.setenv("AFFLUX_DATABASE_URL", runtime.dsn)
    monkeypatch.setenv("AFFLUX_ROOT_KEY", ROOT_KEY.hex())
    monkeypatch.setenv("AFFLUX_DATA", str(runtime.settings.data))
    return runtime
