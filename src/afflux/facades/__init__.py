"""How others speak to us: one folder for each published API. They do not know each other."""
