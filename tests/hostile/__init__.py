"""A live node under attack through real sockets: whatever anybody sends, it answers as the protocol says, keeps its
bounds, has nothing to complain of, and serves everybody else.
"""
