"""What a search finds, and in which order."""
