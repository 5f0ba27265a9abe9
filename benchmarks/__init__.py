"""How fast Afflux is, where possible as ratios within one run: `python -m benchmarks`.

These are no tests: nothing fails because a machine is slow.
"""
