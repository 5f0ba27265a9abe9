"""What things are: frozen values, records, challenges, events, the error tree and `reconcile`. Standard library only.
"""
