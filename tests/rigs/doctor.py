"""The doctor's checks run in the tests' own process, on made-up machines."""

from reactface_node.errors import UserError, one_line
from reactface_node.tools.doctor.apart import ApartError


def here(function, *arguments, limit_s):
    """As ``run_apart``, without another process."""
    assert 0 < limit_s < 600
    try:
        return function(*arguments) or {}
    except UserError:
        raise
    except Exception as error:
        raise ApartError(one_line(error)) from error


def answering(**result):
    """A ``run_apart`` that answers so, whatever it is to run."""
    return lambda function, *arguments, limit_s: result


def raising(error):
    def run(function, *arguments, limit_s):
        raise error

    return run


def never(function, *arguments, limit_s):
    raise AssertionError(f"{function.__name__} is not to be run")
