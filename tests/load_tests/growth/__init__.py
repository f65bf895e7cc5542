"""How cost grows: lines, tables and plans by themselves, and each axis for a moment."""
