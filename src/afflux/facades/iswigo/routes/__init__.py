"""The 33 endpoints, one module for each noun."""
