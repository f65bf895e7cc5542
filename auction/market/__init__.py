"""Commodities: a book of orders each, in a `market` store of its own, and the player's side of every order."""
