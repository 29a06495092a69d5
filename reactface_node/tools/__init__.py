"""Tools for users: the benchmark, the inspection of recordings, and the doctor."""
