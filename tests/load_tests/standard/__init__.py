"""Tests of the standard architecture that load tests compare us with."""
