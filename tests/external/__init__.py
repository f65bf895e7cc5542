"""The protocol spoken by clients that other people wrote. `make test-external` runs these."""
