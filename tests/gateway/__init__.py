"""The gateway, from bytes to answers."""
