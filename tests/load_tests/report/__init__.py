"""Reports of recorded runs, and runs compared."""
