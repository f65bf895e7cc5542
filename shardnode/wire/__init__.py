"""The wire protocol `auction.v1` as tables and codecs, without a socket: nodes and clients share it."""
