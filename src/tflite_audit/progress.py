"""What is being done now, on stderr; silent where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

Progress = Callable[[str], None]
"""Takes a few words for the step that begins."""


def silent(_: str) -> None:
    """Progress that nobody looks at."""


@contextmanager
def shown() -> Generator[Progress]:
    """A spinner with the step's words and its time."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")

        def step(words: str) -> None:
            bar.reset(task, description=escape(words))

        yield step
