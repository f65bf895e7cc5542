"""The SDK, the terminal client and the bots, against a small house that lives in memory."""
