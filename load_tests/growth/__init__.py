"""How cost grows: what a bid costs, how long it takes and what is remembered, as one thing after another grows.

__main__.py      the command
axes.py          all axes by name, with their sizes: the list to begin with
connections.py   against players who bid at once
disk.py          against stores on the disk, asleep
in_memory.py     against stores awake, and against open listings, in one house that grows
cluster.py       against nodes of one machine, and against the share of trades that cross nodes
memory.py        memory of a connection, of a store awake and of one that sleeps
start.py         time of a start against the journal that it finds
market.py        players and auctions for all of them, asked for many at once
node.py          the node under measurement: its options, its memory, its end by kill -9
bidding.py       rounds of bids, and what must hold after them
record.py        what an axis gives, and the lines through it
picture.py, tables.py    the same for people
"""
