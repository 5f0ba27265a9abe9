"""What the documentation says of the facade."""

from afflux.facades.digime import api
from afflux.facades.digime.guide import UNSIGNED
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.openapi import describe
from tests.facades.digime.test_isolation import routes


async def test_every_route_is_described_with_who_may_call_it(runtime: Runtime) -> None:
    dialect = api.documented(runtime, Keyring(runtime.database, runtime.vault))
    document = describe(dialect, runtime.settings.public_url)
    found = {
        f"{method.upper()} {path.removeprefix('/v1.6')}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert found.keys() == routes()
    for operation in found.values():
        assert bool(operation.get("security")) is (operation["operationId"] not in UNSIGNED)
        assert operation["summary"]
