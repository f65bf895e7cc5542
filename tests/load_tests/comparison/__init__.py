"""The comparison: its arithmetic from fixed measurements, and the whole of it for a moment."""
