"""The wire protocol as a stranger would check it: `docs/protocol.md` against a live node, through real sockets.

Nothing here imports the project: the WebSocket client, the encodings and the tables of shapes are these tests' own.
"""
