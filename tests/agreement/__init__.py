"""Tests of the agreement: machines, transcripts, and the page about them."""
