"""Many nodes in one process with a simulated clock, network and disk, and everything that can go wrong with them."""
