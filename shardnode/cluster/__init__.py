"""Many nodes as one house: who is at home where, how nodes talk, and what they tell each other.

    map        which node is home to which store, who the acceptors are; `file` reads it from cluster.toml, `watcher`
               takes over changes
    messages   what nodes say to one another; `post` encodes them, batched per turn of the reactor
    network    the port to the wire; `links` implements it, by a `peer_socket` for each connection and a `dialler` for
               each node that is dialled; `handshake` proves who it is, `admission` says whether it may join
    router     the cluster's `ask`: own stores here, others at their home, searches on the spot
    transfers  gold and goods between stores of different nodes, exactly once
    attach     pushes follow a player to the node that it is connected to
    feed       every node's open listings in every node's index

Nothing here knows a rule of the game. Only `links` and what it uses have sockets; `file` and `watcher` read one file.
"""
