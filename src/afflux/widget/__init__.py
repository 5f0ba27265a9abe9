"""The connect page: what a user sees whom an application sends here."""
