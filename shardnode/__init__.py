"""One node of the auction house, from its socket to its disk."""
