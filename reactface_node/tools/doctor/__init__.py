"""``reactface doctor``: checks of this machine, one line for each, with a cure for what is wrong."""
