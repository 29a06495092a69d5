"""``reactface doctor``: checks of this machine, with a cure for every problem."""
