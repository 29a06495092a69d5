"""The jobs of a conversion on a cluster, by dask.distributed.

All machines share one file system and have the same version of this package. A job whose worker
dies is given to another one.
"""

import asyncio
import logging
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.text import shown
from reactface_node.research.data.jobs import Task, Written, grouped

CONNECT_S = 30.0


def on_cluster(address: str, work: Task, jobs: Sequence[range]) -> Generator[Written, None, None]:
    """Do the jobs on the workers of the scheduler at ``address``, such as tcp://HOST:8786.

    UserError, one line, if it cannot be reached or goes away, if a worker has another version of
    this package or does not see the files, or if one job ends several workers.
    """
    if not jobs:
        return
    with _quiet(), _connected(address) as client:
        _check_workers(address, client)
        version = resources.version()
        # A task that hands the work on: it is sent once, and made again if its worker dies.
        shared = client.submit(_itself, work, pure=False)
        futures = [
            client.submit(_do, version, shared, group, pure=False) for group in grouped(jobs)
        ]
        from distributed import as_completed

        for future in as_completed(futures, loop=client.loop):
            with _told(address, work, client):
                written = future.result()
            yield from written
            future.release()


def _itself(work: Task) -> Task:
    return work


def _do(version: str, work: Task, jobs: Sequence[range]) -> Sequence[Written]:
    """In a worker."""
    _refuse_version(version)
    if not work.unfinished.is_dir():
        raise UserError(f"a worker does not see {work.unfinished}: {_SHARED}")
    root = work.source.root
    if root is not None and not root.exists():
        raise UserError(f"a worker does not see {root}: {_SHARED}")
    return work.do(jobs)


_SHARED = "the machines of a cluster must share the file system of the data set and of the output"


def _refuse_version(version: str) -> None:
    if version != resources.version():
        raise UserError(
            f"a worker has version {resources.version()} of this package, this program is "
            f"{version}: install the same on all machines of the cluster"
        )


def _check_workers(address: str, client: Any) -> None:
    """UserError if a worker has another version of this package, or none."""
    from distributed.comm.core import CommClosedError

    try:
        found = client.run(_refuse_version, resources.version(), on_error="return")
    except (OSError, CommClosedError) as error:
        raise _gone(address) from error
    if not found:
        print(f"{address} has no workers yet: waiting for them", file=sys.stderr)
    for worker, problem in found.items():
        if isinstance(problem, UserError):
            raise UserError(f"{worker}: {problem}")
        if isinstance(problem, Exception):
            raise _cannot_use(worker, problem)


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError(
            "--cluster needs dask.distributed: pip install 'reactface_node[cluster]'"
        ) from error
    try:
        # Without a client: one that cannot be made stays half-made, and when Python clears it
        # away it blocks the start of the next one.
        asyncio.run(_reach(address))
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"no dask scheduler answers at {shown(address)}: give it as tcp://HOST:PORT"
        ) from error
    try:
        yield client
    finally:
        # Jobs that still run write whole files or nothing, so nobody has to wait for them.
        client.close(timeout=CONNECT_S)


async def _reach(address: str) -> None:
    """OSError, ValueError or TypeError if the address is none or nobody answers there."""
    from distributed.comm.core import connect
    from distributed.security import Security

    options = Security().get_connection_args("client")
    await (await connect(address, timeout=CONNECT_S, **options)).close()


@contextmanager
def _told(address: str, work: Task, client: Any) -> Iterator[None]:
    """Failures of the cluster as one line each; those of a job go on as they are."""
    from concurrent.futures import CancelledError

    from distributed.scheduler import KilledWorker

    path = work.path
    try:
        yield
    except KilledWorker as error:
        raise UserError(
            f"one job of {path} ended {error.allowed_failures + 1} workers (out of memory?), the "
            f"last one {error.last_worker.address}; what is finished is kept, run it again"
        ) from error
    except (CancelledError, OSError) as error:
        raise _gone(address, path) from error
    except (ImportError, AttributeError) as error:
        raise _cannot_use(address, error) from error
    except RuntimeError as error:
        # Of a scheduler that cannot read the jobs.
        if not isinstance(error.__cause__, ImportError | AttributeError):
            raise
        raise _cannot_use(address, error.__cause__) from error


def _cannot_use(where: str, error: Exception) -> UserError:
    return UserError(
        f"{where} cannot use this package ({shown(str(error))}): install version "
        f"{resources.version()} on all machines of the cluster"
    )


def _gone(address: str, path: Path | None = None) -> UserError:
    kept = f"; what is finished of {path} is kept, run it again" if path else ""
    return UserError(f"the scheduler at {address} went away{kept}")


@contextmanager
def _quiet() -> Iterator[None]:
    """No log lines of the library: what went wrong is told in one."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)
