"""The load tests, run for a moment each, and what they are made of."""
