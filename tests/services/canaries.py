"""Words that stand nowhere but where they are planted."""

import secrets
from dataclasses import dataclass, field


@dataclass
class Canaries:
    """Makes a new word each time it is called, and knows them all."""

    words: list[str] = field(default_factory=list)

    def __call__(self) -> str:
        self.words.append(f"canary{secrets.token_hex(8)}")
        return self.words[-1]
