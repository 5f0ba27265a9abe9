"""Numbered SQL files, forward only. A new one is a file here and its three lines in `versions/`."""
