"""Tries to lose something: real nodes under load are killed, stopped, started anew, and have their disk taken away."""
