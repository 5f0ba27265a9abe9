"""digi.me v1.6. `README.md` beside this file lists the endpoints and where we differ from the reference."""
