"""How digi.me sorts what we hold: service groups, object types, and which provider belongs where.

Finance is digi.me's own group 3; the other numbers are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from afflux.domain.catalogue import Auth, Kind, Provider, ProviderStatus
from afflux.domain.contracts import Contract, ContractKind
from afflux.domain.scopes import Scope, Selection


@dataclass(frozen=True, slots=True)
class ServiceGroup:
    """What kind of service it is."""

    id: int
    name: str
    #: For programs.
    reference: str


@dataclass(frozen=True, slots=True)
class ObjectType:
    """What kind of object a file has."""

    id: int
    #: For programs.
    name: str
    #: For people.
    words: str


FINANCE = ServiceGroup(3, "Finance", "finance")
DOCUMENTS = ServiceGroup(101, "Documents", "documents")
TRANSACTION = ObjectType(201, "transaction", "movements")
ACCOUNT = ObjectType(202, "account", "accounts and balances")
DOCUMENT = ObjectType(10101, "document", "statements, invoices and other documents")

GROUPS: Mapping[int, ServiceGroup] = {each.id: each for each in (FINANCE, DOCUMENTS)}
OBJECTS: Mapping[int, ObjectType] = {each.id: each for each in (TRANSACTION, ACCOUNT, DOCUMENT)}


def groups_of(provider: Provider) -> list[ServiceGroup]:
    """Where the provider belongs, by what it brings."""
    banks = provider.kinds & {Kind.ACCOUNTS, Kind.TRANSACTIONS}
    return [
        group for group, belongs in ((FINANCE, bool(banks)), (DOCUMENTS, Kind.DOCUMENTS in provider.kinds)) if belongs
    ]


def is_offered(provider: Provider, scope: Scope) -> bool:
    """Whether a person can link the provider on our pages now, for somebody with this scope."""
    linkable = any(channel.auth in (Auth.CREDENTIALS, Auth.REDIRECT) for channel in provider.channels)
    return provider.status is ProviderStatus.AVAILABLE and linkable and touches(provider, scope)


def touches(provider: Provider, scope: Scope) -> bool:
    """Whether the scope has anything of the provider."""
    return not scope.selections or any(
        each.group == group.id and each.service in (None, provider.id)
        for each in scope.selections
        for group in groups_of(provider)
    )


def is_read(provider: Provider, contract: Contract) -> bool:
    """Whether the contract reads anything that comes from the provider itself; what was pushed does not."""
    return contract.kind is ContractKind.READ and touches(provider, contract.scope)


def selection(group: ServiceGroup, provider_id: int, kind: ObjectType) -> Selection:
    """One object type of one provider."""
    return Selection(group.id, provider_id, kind.id)
