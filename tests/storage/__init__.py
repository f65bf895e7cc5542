"""The storage: one contract for disk and memory, and what a failing disk does."""
