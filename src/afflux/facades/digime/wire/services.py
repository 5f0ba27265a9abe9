"""The services that can be linked (contract: section 3.12)."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from afflux.domain.catalogue import Provider
from afflux.services.catalogue_groups import GROUPS, groups_of


class Reference(msgspec.Struct):
    """Names something of the same answer."""

    id: int


class CountryObject(msgspec.Struct):
    """A country that services are in."""

    id: int
    code: str
    name: str


class GroupObject(msgspec.Struct):
    """A service group."""

    id: int
    name: str
    reference: str


class ServiceObject(msgspec.Struct, omit_defaults=True, rename="camel"):
    """A service. `id` goes into the address of the consent page, `service_id` into scopes; here they are one."""

    id: int
    service_id: int
    name: str
    reference: str
    service_groups: list[Reference]
    countries: list[Reference]
    published_status: str
    published_date: int
    title: str
    sub_title: str
    resources: list[Reference]
    homepage_url: str | UnsetType = msgspec.field(default=UNSET, name="homepageURL")


class Services(msgspec.Struct, rename="camel"):
    """All there is."""

    countries: list[CountryObject]
    service_groups: list[GroupObject]
    services: list[ServiceObject]


class Discovered(msgspec.Struct):
    """The answer."""

    data: Services


def discovered(providers: Sequence[Provider]) -> Discovered:
    """The services as they are told. Countries are numbered by their code."""
    codes = sorted({provider.country for provider in providers})
    countries = [CountryObject(_country_id(code), code.lower(), code) for code in codes]
    groups = [GroupObject(each.id, each.name, each.reference) for each in GROUPS.values()]
    return Discovered(Services(countries, groups, [_service(each) for each in providers]))


def _country_id(code: str) -> int:
    """A number that a code always has: FR is 618."""
    return (ord(code[0]) - 64) * 100 + ord(code[1]) - 64


def _service(provider: Provider) -> ServiceObject:
    return ServiceObject(
        id=provider.id,
        service_id=provider.id,
        name=provider.name,
        reference=f"service_{provider.id}",
        service_groups=[Reference(group.id) for group in groups_of(provider)],
        countries=[Reference(_country_id(provider.country))],
        published_status="approved",
        published_date=0,
        title=provider.name,
        sub_title="",
        resources=[],
        homepage_url=provider.url or UNSET,
    )
