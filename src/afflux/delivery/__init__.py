"""How things leave the server: mail to people."""
