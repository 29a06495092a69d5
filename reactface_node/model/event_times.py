"""Times of nods and laughs that the networks and the data share. No torch: those who convert data
sets do not need it."""

DECLINE = 0.8
"""Ratio of the amplitudes of a nod's successive cycles, which decline (Mori et al. 2025)."""
RETURN_S = 1.6
"""A nod that ends with the head down is followed by a rise that is too slow to be part of it;
chosen by hand."""
PAUSE_FRAMES = 5  # no nod starts within 0.2 s after the last one
NEVER = 10_000.0  # frames since the last nod before the first one
PAUSE_S = 1.0
"""No laugh starts so soon after the end of the last one, and no smile after that of a smile."""
