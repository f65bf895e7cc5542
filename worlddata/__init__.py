"""The world: what can be owned and traded, and the rules of the house, as one read-only catalog."""
