"""What runs later: thin functions that load, call and hand over."""
