"""The repository checks itself: layers, purity of the core, sizes, habits, and documents that keep up with the code."""
