"""What a route can ask for by the name of a parameter."""

from litestar.di import NamedDependency, Provide

from afflux.facades.d1.auth import Issuer, issuer_of
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring

GivenRuntime = NamedDependency[Runtime]
GivenKeyring = NamedDependency[Keyring]
#: Whose token the request carries.
GivenIssuer = NamedDependency[Issuer]


def dependencies(runtime: Runtime, keyring: Keyring) -> dict[str, Provide]:
    """Where each comes from, by parameter name."""
    return {
        "runtime": Provide(lambda: runtime, sync_to_thread=False),
        "keyring": Provide(lambda: keyring, sync_to_thread=False),
        "issuer": Provide(issuer_of, sync_to_thread=False),
    }
