"""The consent pages: where a person lets a contract read a library, or push to it."""
