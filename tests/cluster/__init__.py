"""Tests of many nodes as one house."""
