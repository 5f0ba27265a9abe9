"""What a process needs to get at the data: where the database is, and the key that opens it."""

from afflux.config import Settings
from afflux.datafolder import DataFolder, is_served, open_data_folder
from afflux.domain.errors import AffluxError, InvalidInput
from afflux.postgres import embedded_dsn


def root_key(settings: Settings, data: DataFolder) -> bytes:
    """The key that wraps all others: from the settings, or the data folder's file."""
    if settings.root_key is None:
        return data.root_key()
    try:
        key = bytes.fromhex(settings.root_key)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise InvalidInput("AFFLUX_ROOT_KEY must be 64 hexadecimal digits")
    return key


def connection_of(settings: Settings) -> tuple[str, bytes]:
    """DSN and root key for one part of a running server. Raises `AffluxError` when no server prepared the database."""
    data = open_data_folder(settings.data)
    if settings.database_url is None and not is_served(data.path):
        raise AffluxError(f"no server runs on {data.path}; start `afflux serve`, or set AFFLUX_DATABASE_URL")
    return settings.database_url or embedded_dsn(data), root_key(settings, data)
