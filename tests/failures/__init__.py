"""The ways in which auction houses of the genre have doubled gold, lost items or fallen over, each tried on this one.

Every test opens with a line on the story that it comes from. The stories are common knowledge of the trade, told here
without names; what a test proves stands in its docstring as everywhere.
"""
