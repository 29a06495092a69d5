"""Progress: a bar on a terminal, a line every ten seconds in a log file."""

import sys
import time
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

SHOWN_AFTER_S = 1.0
LINE_EVERY_S = 10.0


class ProgressBar(tqdm):
    """tqdm, with its arguments; where stderr is no terminal it writes plain lines."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._in_log = sys.stderr is None or not sys.stderr.isatty()
        self._told_s = time.monotonic()
        options.setdefault("delay", SHOWN_AFTER_S)
        if sys.stderr is None:
            options["disable"] = True
        elif self._in_log:
            # The time is asked for at every step.
            options |= {"mininterval": LINE_EVERY_S, "miniters": 0}
            if form := options.get("bar_format"):
                options["bar_format"] = form.replace("|{bar}|", "")
            else:
                options["ncols"] = 0
        super().__init__(*args, **options)

    def __iter__(self) -> Iterator[Any]:
        """Counts every step, which a bar does only when it is shown."""
        if not self._in_log or self.disable:
            yield from super().__iter__()
            return
        try:
            for item in self.iterable:
                yield item
                self.update()
        finally:
            self.close()

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Called at every step by whoever shows figures beside the bar."""
        if not self._in_log:
            super().display(msg, pos)
            return
        now_s = time.monotonic()
        if now_s - self._told_s < LINE_EVERY_S:
            return
        self._told_s = now_s
        print(self, file=self.fp, flush=True)

    def clear(self, nolock: bool = False) -> None:
        """A line in a log stays."""
        if not self._in_log:
            super().clear(nolock)

    def close(self) -> None:
        """Without the empty line that a bar leaves."""
        if not self._in_log or self.disable:
            super().close()
            return
        # As if it had not been shown yet: it leaves nothing behind.
        self.last_print_t, self.delay = self.start_t, LINE_EVERY_S
        super().close()
