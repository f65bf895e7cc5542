"""The protocol's messages and tables."""
