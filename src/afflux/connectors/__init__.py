"""How data is obtained: one folder for each connector, the contract they share, and the host that runs them."""
