"""Programs that talk to a house: an SDK for games, a terminal client for people, and a population of bots.

Everything here knows the house through its protocol alone (`docs/protocol.md`).
"""
