"""Afflux: an account-data aggregation server that you run yourself."""
