"""Statement files: what a bank lets its customer download, read without a bank.

Only the manifest lives here, because the parent process imports it; the readers are loaded in the child alone.
"""

from afflux.domain.catalogue import Auth, Channel, Isolation, Kind, Manifest, Provider

manifest = Manifest(
    id="files",
    version="1",
    connector="afflux.connectors.files.connector:connector",
    isolation=Isolation.PROCESS,
    network=False,
    providers=(
        Provider(
            id=10,
            name="Statement files",
            country="FR",
            properties={"iban": True},
            channels=(Channel(id=1000, auth=Auth.FILE, kinds=frozenset({Kind.ACCOUNTS, Kind.TRANSACTIONS})),),
        ),
    ),
)
