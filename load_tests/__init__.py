"""Load tests: each starts the servers it measures as processes of their own, loads them, and prints figures.

    python -m load_tests list                        the scenarios: data (`scenarios`, typed in `scenario`)
    python -m load_tests run SCENARIO                one of them on a server (`harness`): docs/load-testing.md
    python -m load_tests compare A B                 records of such runs (`results`) side by side
    python -m load_tests compare fractal standard    both architectures and their ceilings in turns: the ratio table
    python -m load_tests.comparison.profile          where a bid's microseconds go in a node
    python -m load_tests.standard                    the architecture that we are compared with, served until Ctrl-C
    python -m load_tests.growth                      how cost grows with connections, stores, nodes: docs/growth.md
    python -m load_tests.capacity                    houses of 3 to 1,000 nodes, simulated: see docs/capacity.md
    python -m load_tests.search                      searches over a million listings, beside PostgreSQL's

`websocket` and `generator` are the load for every server alike, `processes` keeps servers, `report` makes a page of a
recorded run or of several; `docs/performance.md` says what is measured and what came out.
"""
