"""The one exception for a user's mistake: one clear line, exit code 2."""


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do."""


class NoDevice(UserError):
    """The device that is asked for is not there."""
