"""What a route can ask for by the name of a parameter."""

from litestar.di import NamedDependency, Provide

from afflux.facades.d1.auth import Issuer, issuer_of
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.given import handed

GivenRuntime = NamedDependency[Runtime]
GivenKeyring = NamedDependency[Keyring]
#: Whose token the request carries.
GivenIssuer = NamedDependency[Issuer]


#: Where each comes from, by parameter name.
DEPENDENCIES = {
    "runtime": handed("runtime"),
    "keyring": handed("keyring"),
    "issuer": Provide(issuer_of, sync_to_thread=False),
}
