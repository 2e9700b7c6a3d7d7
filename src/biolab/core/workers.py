"""Processes that take a share of the work of this one, each task as soon as somebody is free."""

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from .errors import BiolabError

Advance = Callable[[str], None]
_THREADS = "OMP_NUM_THREADS"
LAST_WORDS_S = 20.0  # a process told to stop notices at its next step


T = TypeVar("T")
Task = Callable[..., T]
"""Work that can be pickled, called with ``advance=``, to which it says what it is doing."""


class Workers:
    """Processes started at once, which load what they will need while this one loads the same.

    They leave when the block ends. Where it ends by an error or by Ctrl-C, each stops at its next step, with an error
    of its own, so that it closes what it had opened; the same happens if this process is killed.

    Parameters
    ----------
    count
        Processes besides this one; with 0 everything is done here.
    threads
        How many threads each process uses, this one too: ``OMP_NUM_THREADS`` while the block runs.
    preload
        What each does before its first task: ``module`` to import, or ``module:function`` to call.

    Examples
    --------
    >>> with Workers(0) as workers:
    ...     workers.share([lambda advance: 1, lambda advance: 2], advance=print)
    [1, 2]
    """

    def __init__(self, count: int, *, threads: int | None = None, preload: Sequence[str] = ()) -> None:
        self._count, self._threads, self._preload = count, threads, tuple(preload)
        self._workers: list[_Worker] = []
        self._before: str | None = None

    def __enter__(self) -> Self:
        self._before = os.environ.get(_THREADS)
        if self._threads is not None:
            os.environ[_THREADS] = str(self._threads)
        self._workers = [_start(self._preload) for _ in range(self._count)]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._before is None:
            os.environ.pop(_THREADS, None)
        else:
            os.environ[_THREADS] = self._before
        for worker in self._workers:
            worker.connection.close()
        if kind is not None:
            for worker in self._workers:
                worker.process.join(LAST_WORDS_S)
                worker.process.terminate()

    def share(self, tasks: Sequence[Task[T]], *, advance: Advance) -> list[T]:
        """Do every task, here or in another process; return what they return, in their order.

        The first tasks start first, so put the longest in front. An error of any task ends all.

        Parameters
        ----------
        tasks
            What to do; they are pickled where another process does them.
        advance
            Called here with each line of text that a task says, whoever does it.
        """
        return _Shared(tasks, self._workers, advance).done()


class _Shared(Generic[T]):
    """Tasks under way."""

    def __init__(self, tasks: Sequence[Task[T]], workers: Sequence["_Worker"], advance: Advance) -> None:
        self._waiting = deque(enumerate(tasks))
        self._found: dict[int, T] = {}
        self._free, self._busy = list(workers), dict[Connection, tuple["_Worker", int]]()
        self._advance = advance

    def done(self) -> list[T]:
        while self._waiting:
            number, task = self._waiting.popleft()
            self._give()
            self._found[number] = task(advance=self._said_here)
            self._hear(0)
        while self._busy:
            self._hear(None)
        return [self._found[number] for number in sorted(self._found)]

    def _give(self) -> None:
        while self._free and self._waiting:
            worker, (number, task) = self._free.pop(), self._waiting.popleft()
            worker.connection.send(task)
            self._busy[worker.connection] = worker, number

    def _said_here(self, line: str) -> None:
        self._advance(line)
        self._hear(0)

    def _hear(self, timeout_s: float | None) -> None:
        """Take what the others have said and done; wait for it no longer than the timeout."""
        while self._busy and (ready := wait(list(self._busy), timeout_s)):
            for connection, work in list(self._busy.items()):
                if connection in ready:
                    self._take(work)
            self._give()
            timeout_s = 0

    def _take(self, work: tuple["_Worker", int]) -> None:
        worker, number = work
        try:
            heard = worker.connection.recv()
        except (EOFError, ConnectionError):
            worker.process.join(LAST_WORDS_S)
            raise BiolabError(
                f"A process that shared the work ended with code {worker.process.exitcode} before it was done: -9 says"
                " that the system stopped it, mostly for lack of memory. Set OMP_NUM_THREADS=1 to do all in one"
                " process, and run the same command again."
            ) from None
        if isinstance(heard, _Said):
            self._advance(heard.line)
            return
        del self._busy[worker.connection]
        self._free.append(worker)
        if isinstance(heard, _Failed):
            raise heard.error
        self._found[number] = heard.value


@dataclass(frozen=True)
class _Worker:
    process: Any  # SpawnProcess, whose type the standard library does not export on every system
    connection: Connection


@dataclass(frozen=True)
class _Said:
    line: str


@dataclass(frozen=True)
class _Failed:
    error: Exception


@dataclass(frozen=True)
class _Done:
    value: Any


def _start(preload: tuple[str, ...]) -> _Worker:
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, preload), daemon=True)
    process.start()
    there.close()
    return _Worker(process, here)


def _serve(connection: Connection, preload: tuple[str, ...]) -> None:
    """Do tasks until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches everyone; the first process tells the others
    for name in preload:
        module, _, function = name.partition(":")
        loaded = import_module(module)
        if function:
            getattr(loaded, function)()
    with suppress(EOFError, ConnectionError, _DesertedError):
        while True:
            _answer(connection, connection.recv())


class _DesertedError(Exception):
    """The process that gave the task is gone, or has given up."""


def _answer(connection: Connection, task: Task[Any]) -> None:
    def say(line: str) -> None:
        try:
            connection.send(_Said(line))
        except ConnectionError as error:
            raise _DesertedError from error

    try:
        value = task(advance=say)
    except _DesertedError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the first process raises it
        error.add_note("".join(traceback.format_exception(error)))
        connection.send(_Failed(error))
    else:
        connection.send(_Done(value))
