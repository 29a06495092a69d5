"""Returns freed memory to the system."""

import ctypes
import sys


def give_back() -> None:
    """Return the freed memory that the C library keeps; does nothing without glibc.

    A landmark model takes tens of megabytes on its own threads, and glibc keeps the memory that
    each thread freed: without this call the process grows with every new model.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
