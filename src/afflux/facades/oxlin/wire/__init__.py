"""What travels: the objects of contract section 3, and the bodies of requests."""
