"""Session options as they stand in requests (contract: section 3.1)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from afflux.domain.contracts import Contract
from afflux.domain.errors import InvalidInput
from afflux.facades.digime import errors
from afflux.facades.digime.errors import Refused
from afflux.services import session_options
from afflux.services.session_options import Options

_NAMES = ("limits", "scope", "accept")


def options_of(given: Mapping[str, Any], contract: Contract, now: datetime) -> Options:
    """What the session is to be. Raises `Refused`, also where it asks for more than the contract allows."""
    try:
        options = session_options.check({name: given[name] for name in _NAMES if name in given}, now)
    except InvalidInput as error:
        raise errors.validation(str(error)) from None
    if not options.scope.within(contract.scope):
        raise Refused(400, "ScopeOutOfBounds", "The requested scope exceeds the scope of the contract")
    return options
