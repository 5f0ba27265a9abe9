"""The sandbox bank: invented banks, offline and deterministic, that reach every state a real one can bring about."""

from afflux.connectors.sandbox import forms
from afflux.domain.catalogue import Auth, Channel, Isolation, Kind, Manifest, Provider, ProviderStatus, Step
from afflux.domain.challenges import FormField

BANK = frozenset({Kind.ACCOUNTS, Kind.TRANSACTIONS})
DOCUMENTS = frozenset({Kind.DOCUMENTS})
BANK_PROPERTIES: dict[str, bool | list[str]] = {"deferred_credit_card": True, "iban": True}
PORTAL_PROPERTIES: dict[str, bool | list[str]] = {
    "deferred_credit_card": False,
    "iban": False,
    "docs": ["invoice", "document"],
}


def _credentials(
    provider_id: int, kinds: frozenset[Kind], fields: tuple[FormField, ...], steps: tuple[Step, ...] = ()
) -> tuple[Channel, ...]:
    channel_id = provider_id * 100  # 01 to 99 are left for further ways to reach the same provider
    return (Channel(id=channel_id, auth=Auth.CREDENTIALS, kinds=kinds, fields=fields, steps=steps),)


def _closed(provider_id: int, name: str, status: ProviderStatus) -> Provider:
    channels = _credentials(provider_id, BANK, forms.SANDBOX_FIELDS)
    return Provider(
        id=provider_id, name=name, country="FR", status=status, channels=channels, properties=BANK_PROPERTIES
    )


manifest = Manifest(
    id="sandbox",
    version="1",
    connector="afflux.connectors.sandbox.connector:connector",
    isolation=Isolation.INLINE,
    revokes=True,
    network=False,
    providers=(
        Provider(
            id=forms.TWO_WAYS,
            name="Afflux Test Bank",
            country="FR",
            channels=(
                Channel(id=forms.BY_CONSENT, auth=Auth.REDIRECT, kinds=BANK, consent_url="/sandbox/bank"),
                Channel(
                    id=forms.BY_LOGIN,
                    auth=Auth.CREDENTIALS,
                    kinds=BANK,
                    fields=forms.TWO_WAYS_FIELDS,
                    steps=forms.SANDBOX_STEPS,
                ),
            ),
            properties=BANK_PROPERTIES,
        ),
        Provider(
            id=forms.TEST_BANK,
            name="Banque de test",
            country="FR",
            channels=_credentials(forms.TEST_BANK, BANK, forms.TEST_BANK_FIELDS, (forms.SMS,)),
            properties=BANK_PROPERTIES,
        ),
        Provider(
            id=forms.SANDBOX,
            name="Sandbox",
            country="FR",
            channels=_credentials(forms.SANDBOX, BANK | DOCUMENTS, forms.SANDBOX_FIELDS, forms.SANDBOX_STEPS),
            properties={**BANK_PROPERTIES, "docs": ["document"]},
        ),
        Provider(
            id=forms.REFUSING,
            name="Banque qui refuse",
            country="FR",
            channels=_credentials(forms.REFUSING, BANK | DOCUMENTS, forms.REFUSING_FIELDS),
            properties={**BANK_PROPERTIES, "docs": ["invoice", "document"]},
        ),
        Provider(
            id=forms.PORTAL,
            name="Portail de factures",
            country="FR",
            channels=_credentials(forms.PORTAL, DOCUMENTS, forms.PORTAL_FIELDS),
            properties=PORTAL_PROPERTIES,
        ),
        _closed(forms.MAINTENANCE, "Banque en maintenance", ProviderStatus.MAINTENANCE),
        _closed(forms.UNAVAILABLE, "Banque indisponible", ProviderStatus.UNAVAILABLE),
    ),
)
