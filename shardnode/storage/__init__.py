"""What the node keeps on disk. `port` says what the node needs; `sqlite_storage` and `memory` give it."""
