"""Thales D1 v1, consumer operations. `README.md` beside this file lists the endpoints and where we differ."""
