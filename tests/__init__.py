"""What this project promises, shown."""
