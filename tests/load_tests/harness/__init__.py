"""The harness: scenarios, players, the loop of a generator, ledgers and checks, and whole runs for a moment each."""
