"""What can be done: one module for each noun, functions of a transaction and a principal."""
