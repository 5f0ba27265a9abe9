"""The outbox: where letters lie when there is no mail server, one private file each."""

import os
from collections.abc import Iterable
from pathlib import Path

from afflux.delivery.letter import Undelivered


def put(data: Path, letter_id: str, content: bytes) -> None:
    """Lay a letter into the outbox of the data folder, in place of one with the same id. Raises `Undelivered`."""
    try:
        _put(_folder(data), letter_id, content)
    except OSError as error:
        raise Undelivered(f"the outbox cannot be written: {error.strerror}") from None


def _put(folder: Path, letter_id: str, content: bytes) -> None:
    folder.mkdir(0o700, exist_ok=True)
    # Written aside and renamed: whoever looks sees a whole letter or none.
    draft = folder / f"{letter_id}.draft"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / f"{letter_id}.eml")


def letters(data: Path) -> set[str]:
    """The ids of the letters that lie there, unfinished ones included."""
    return {path.stem for path in _folder(data).glob("*")}


def remove(data: Path, letter_ids: Iterable[str]) -> None:
    """Take letters away."""
    for id in letter_ids:
        for suffix in ("eml", "draft"):
            (_folder(data) / f"{id}.{suffix}").unlink(missing_ok=True)


def _folder(data: Path) -> Path:
    return data / "outbox"
