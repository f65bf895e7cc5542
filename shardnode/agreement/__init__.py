"""The agreement: one outcome a trade, on every node, whoever dies. `docs/agreement.md` tells it from the beginning.

    engine.open · step · tick · voted · judged · settled · recover   ──►   Effects: persist, then send; and tasks

`Agreement` (`engine`) is one node's part in all trades: acceptor, coordinator, participant and recoverer. It has no
clock, socket, disk or rules; payloads and legs are bytes that it never reads. Whoever drives it obeys four rules:

1. Each call returns `Effects`. What it says to persist is in the engine's memory already; the driver puts all of it
   into one record, together with what the store did where the call answers a task. If the Effects are `binding`, their
   messages leave when this record and all before it are durable; otherwise they leave at once.
2. A message to the node itself is a message like any other: it is sent after the persist, and handed to `step`.
3. Tasks are done in the rules: `Prepare` is answered by `voted`, `Judge` by `judged`, `Settle` by `settled`, in any
   order, at once or later; `Ended` needs no answer. A node that stops meanwhile asks again what it must.
4. After a start the engine is made anew of what was persisted (`facts`), under an incarnation that is larger than every
   earlier one of a node of this name, those of data directories that were lost included, and durable.

The parts, in reading order: `messages`, `effects`, `tables` (every state and what moves it), `acceptor`, `participant`,
`coordinator` with `closing`, `recovery`, and `engine`, which puts them together. `closed`, `facts`, `timers`, `limits`
and `errors` serve them.
"""
