"""The compiled tree: the same rules, decided alike."""
