"""What is free goes back to the system."""

import ctypes
import sys


def give_back() -> None:
    """Return what the C library keeps of freed memory; nothing where it has no such call.

    A landmark model's graph takes tens of megabytes on threads of its own, and glibc keeps what
    each thread freed: without this, every new graph makes the process larger.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
