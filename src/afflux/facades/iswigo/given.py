"""What a route can ask for by the name of a parameter."""

from litestar.di import NamedDependency, Provide

from afflux.domain.applications import Application
from afflux.domain.principal import Principal
from afflux.domain.users import User
from afflux.facades.iswigo.auth import application_of, principal_of, user_of
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.given import handed

GivenRuntime = NamedDependency[Runtime]
GivenKeyring = NamedDependency[Keyring]
#: Who signed the request.
GivenApplication = NamedDependency[Application]
#: Whose token it carries.
GivenUser = NamedDependency[User]
#: On whose wish it is served.
GivenPrincipal = NamedDependency[Principal]


#: Where each comes from, by parameter name.
DEPENDENCIES = {
    "runtime": handed("runtime"),
    "keyring": handed("keyring"),
    "application": Provide(application_of, sync_to_thread=False),
    "user": Provide(user_of, sync_to_thread=False),
    "principal": Provide(principal_of, sync_to_thread=False),
}
