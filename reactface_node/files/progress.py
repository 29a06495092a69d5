"""Progress: a bar on a terminal, a line every ten seconds in a log file."""

import sys
import time
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

SHOWN_AFTER_S = 1.0
LINE_EVERY_S = 10.0


class ProgressBar(tqdm):
    """tqdm with the same arguments; it writes plain lines if stderr is not a terminal."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._in_log = sys.stderr is None or not sys.stderr.isatty()
        self._told_s = time.monotonic()
        options.setdefault("delay", SHOWN_AFTER_S)
        if sys.stderr is None:
            options["disable"] = True
        elif self._in_log:
            # tqdm then checks the time at every step.
            options |= {"mininterval": LINE_EVERY_S, "miniters": 0}
            if form := options.get("bar_format"):
                options["bar_format"] = form.replace("|{bar}|", "")
            else:
                options["ncols"] = 0
        super().__init__(*args, **options)

    def __iter__(self) -> Iterator[Any]:
        """Count every step in a log too; tqdm counts only when the bar is drawn."""
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
        """Draw the bar, or write a line if the last one is ten seconds old."""
        if not self._in_log:
            super().display(msg, pos)
            return
        now_s = time.monotonic()
        if now_s - self._told_s < LINE_EVERY_S:
            return
        self._told_s = now_s
        print(self, file=self.fp, flush=True)

    def clear(self, nolock: bool = False) -> None:
        """Remove the bar from the terminal; lines in a log stay."""
        if not self._in_log:
            super().clear(nolock)

    def close(self) -> None:
        """End the bar; in a log, without the empty line that tqdm writes."""
        if not self._in_log or self.disable:
            super().close()
            return
        # As if the bar had never been drawn: tqdm then writes nothing.
        self.last_print_t, self.delay = self.start_t, LINE_EVERY_S
        super().close()
