"""What travels: the objects of contract section 6, key by key, and the bodies of requests."""
