"""`python -m shardnode.cli` is `auction`."""

from shardnode.cli import main

main(prog_name="auction")
