"""How things are kept: SQL, one function one statement, rows to values. The only place with SQL."""
