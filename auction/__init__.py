"""The rules of the auction house, pure: decisions, events, and the states they make. Start at `auction.house`."""
