"""The standard architecture beside us: nginx, stateless workers, PostgreSQL and Redis, for the same protocol.

    supervisor          starts everything, replaces workers that end       `python -m load_tests.standard`
    nginx, postgres     how these are set and started; Redis in `supervisor`
    worker              the node's gateway before a database and a cache
    house               requests → statements → answers
    schema.sql, trades.sql, holdings.sql   tables, and the rules that need rows under lock
    trading             bids and buyouts: decided by trades.sql, or by `in_workers` with the rules in `deciding`
    searches, rows, news, shared, database, redis_line   what `house` is made of
    running, audit      for load tests: `running_standard`

`docs/standard-architecture.md` says how it was built and tuned, and where it wins.
"""

from load_tests.standard.running import Standard, running_standard

__all__ = ["Standard", "running_standard"]
