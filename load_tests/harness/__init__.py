"""Runs one scenario against one server, and checks afterwards that nothing that was acknowledged is lost.

    target      the server: ours, started for the run (one node, several, the standard architecture), or any by its URLs
    market      made before the run: sellers and listings, players with gold and goods, tokens, who connects where
    acts        what a player can do: one class each, from what the player knows to a request, and from the answer back
    player      who does it: all its chances come from the run's seed; what it knows; its ledger
    ledger      what the server acknowledged, and what therefore has to be there afterwards
    pace        when requests are meant to start: Poisson arrivals (open loop), or after a time to think (closed loop)
    load        the loop of one generator: sockets, what is in flight, what waits, what is repeated
    recorder    what comes of it, as HDR histograms
    checks      each player's ledger against what the server says of it; the listings against all ledgers
    worker      a generator process around these; `messages` is what it is told and what it tells
    generators  all generator processes of a run, as the run sees them
    sampling    once a second: CPU and memory of all processes, the nodes' own metrics
    run         one run from beginning to end, and its `load_tests.results.RunResult`

Data goes one way: scenario → market → orders for each generator → players' requests → histograms and ledgers →
the result.
"""
