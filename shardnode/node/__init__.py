"""One node, put together: state in memory, journal, gate, checkpoints and timers behind one `ask(request) → answer`.

Reading order: `node` (what happens to a request), `journal_writer` and `gate` (how it becomes durable and leaves),
`awake_stores` and `checkpoints` (how stores come and go), `timers` and `clock`, `searches`, `config`, and `serve`, the
composition root.
"""
