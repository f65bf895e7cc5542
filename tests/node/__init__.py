"""The node's parts, each with a hand-driven clock and hand-driven lanes."""
