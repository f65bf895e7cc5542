"""The `auction` command's own part: what it prints, starts, refuses, and leaves behind."""
