"""The other side of the comparison: a real PostgreSQL server, set up for these searches as well as we know how."""
