"""`python -m afflux` is the command `afflux`."""

from afflux.cli import main

main()
