"""A progress bar on standard error that says what is being done."""

from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def progress(title: str, *, total: int, quiet: bool) -> Generator[Callable[[str], None]]:
    """Show a bar of ``total`` steps; yield the function that announces the next step."""
    if quiet:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.fields[title]}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, title=title)
        started = False

        def advance(step: str) -> None:
            nonlocal started
            bar.update(task, description=step, advance=int(started))
            started = True

        yield advance
        bar.update(task, completed=total, description="done")
