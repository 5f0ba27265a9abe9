"""What a route can ask for by the name of a parameter."""

from litestar.di import NamedDependency

from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.given import handed

GivenRuntime = NamedDependency[Runtime]
GivenKeyring = NamedDependency[Keyring]

#: Where each comes from, by parameter name.
DEPENDENCIES = {"runtime": handed("runtime"), "keyring": handed("keyring")}
