"""Search over the open listings, without Twisted and without stores: an index, what a query means, cursors."""
