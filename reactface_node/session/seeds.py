"""The seed of a conversation: the configured number, or a drawn one, which is logged."""

import logging
import secrets

from reactface_node.config import FRESH_SEED

SEEDS = 2**31


def seed_from(configured: int) -> int:
    """The configured seed; for ``FRESH_SEED`` a drawn one, 0 .. 2**31 - 1."""
    if configured != FRESH_SEED:
        return configured
    seed = secrets.randbelow(SEEDS)
    logging.getLogger(__name__).info(
        "this conversation has seed %d: with playout.seed=%d it can be had again", seed, seed
    )
    return seed
