"""The exceptions for a user's mistake: one clear line, exit code 2; and any error as one line."""


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do."""


class NoDevice(UserError):
    """The device that is asked for is not there."""


def one_line(error: BaseException) -> str:
    """The kind of an error and its text, cut where it is long."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 300 else f"{text[:297]}..."
