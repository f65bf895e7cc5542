"""Watches against what changes: who is told what, how often, and what it may cost."""
