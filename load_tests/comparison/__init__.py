"""`python -m load_tests compare fractal standard`: both houses and their ceilings, in one run on one machine.

command     the command, its options and its files
run         one run, part by part
turns       sides take turns: one is loaded, the others are idle
bids        duels on a house, this one or the standard architecture
tpcb        PostgreSQL alone, by its own yardstick
echo        a bare Autobahn server, as `echo_server` serves it
trades      three nodes: trades within a node, and across nodes
searches    a million listings, beside PostgreSQL
kills       `kill -9` under load
checks      what must be true when the load is over
report      the ratios, held against the goals
tables      the report in words, and `picture` the report drawn
profile     where a bid's microseconds go; a command of its own
"""
