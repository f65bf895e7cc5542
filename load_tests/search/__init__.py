"""`python -m load_tests.search`: searches of this node's index beside the same searches on PostgreSQL, in one run.

market      the listings, and how the market moves on
mix         what people search for
sides       who is asked, and how long it took: every side gets the same searches, in rounds that take turns
ours        the node's own `shardnode.node.searches.Searches` with its index and its lane
postgres    a real server with the same listings, and the searches as SQL
absorbing   searches while thousands of listings a second change, and how long the reactor stood still
through_socket  searches through the WebSocket of a real node
report      the figures, as a table, as JSON and as a picture
"""
