"""What things are: frozen values, records, challenges, events, errors and `reconcile`. Standard library only."""
