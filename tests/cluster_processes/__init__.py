"""Three nodes as real processes with real sockets: killed, paused, and cut from each other while everybody trades."""
