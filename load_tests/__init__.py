"""Load tests: each starts the servers it measures as processes of their own, loads them, and prints figures.

    python -m load_tests.echo      messages/s of a bare Autobahn MessagePack echo
    python -m load_tests.bids      durable bids/s of one node, as a share of the echo's messages/s in the same run
    python -m load_tests.trades    trades/s between players of two nodes, as a share of those within one
    python -m load_tests.search    searches over a million listings, beside the same searches on PostgreSQL

`websocket` and `generator` are the load for every server alike, `processes` keeps servers; `docs/performance.md` says
what is measured and what came out.
"""
