"""What every HTTP surface shares: reading a request safely, mounting, pages for people."""
