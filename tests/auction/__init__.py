"""The rules of the house, without a node: whole trades through `auction.house.execute`."""
