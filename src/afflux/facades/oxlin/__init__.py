"""Oxlin v2.1. `README.md` beside this file lists the endpoints and where we differ from the contract."""
