"""Courses from 0 to 1 that begin and end gently."""


def smoothstep(share: float) -> float:
    """0 up to 0, 1 from 1 on; the speed is 0 at both ends."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


def smootherstep(share: float) -> float:
    """0 up to 0, 1 from 1 on; speed and acceleration are 0 at both ends."""
    share = min(max(share, 0.0), 1.0)
    return share * share * share * (share * (6.0 * share - 15.0) + 10.0)
