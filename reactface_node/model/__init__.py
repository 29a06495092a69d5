"""The networks alone, as the paper has them; ``official`` is the released code's variant."""
