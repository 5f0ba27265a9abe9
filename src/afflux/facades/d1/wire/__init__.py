"""What travels, as the contract has it."""
