"""What a route can ask for by the name of a parameter."""

from litestar.di import NamedDependency, Provide

from afflux.domain.principal import Principal
from afflux.domain.users import User
from afflux.facades.oxlin.auth import principal_of, user_of
from afflux.facades.oxlin.pages import Page, page_of
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.given import handed
from afflux.web.pages import Pages

GivenRuntime = NamedDependency[Runtime]
GivenKeyring = NamedDependency[Keyring]
GivenPages = NamedDependency[Pages]
#: Whom the token acts for.
GivenUser = NamedDependency[User]
#: On whose wish the request is served.
GivenPrincipal = NamedDependency[Principal]
#: Which piece of a list is wanted.
GivenPage = NamedDependency[Page]


#: Where each but the pages comes from, by parameter name.
DEPENDENCIES = {
    "runtime": handed("runtime"),
    "keyring": handed("keyring"),
    "principal": Provide(principal_of, sync_to_thread=False),
    "user": Provide(user_of, sync_to_thread=False),
    "piece": Provide(page_of, sync_to_thread=False),
}
