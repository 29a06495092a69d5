"""Fault campaigns: seeded mutations of what the node reads, long simulated and live scenes."""
