"""Watches matched against what changes in the house, without Twisted and without stores."""
