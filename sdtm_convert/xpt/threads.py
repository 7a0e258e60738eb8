"""Pieces of work on several threads, of which none outlasts the call."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def on_threads(threads: int, work: Callable[[int], bytes], begins: range) -> list[bytes]:
    """What `work` returns for each, in order. The caller's thread takes its share, as memory comes to a new one more slowly. Where some
    raise, the first of them counts, whatever thread was quicker."""
    waiting, done, errors = iter(begins), {}, {}

    def take() -> None:
        for begin in waiting:
            try:
                done[begin] = work(begin)
            except BaseException as error:
                errors[begin] = error
                stop()

    def stop() -> None:
        """No thread begins another."""
        deque(waiting, maxlen=0)

    def help(busy: threading.Lock) -> None:
        with busy:
            take()

    others = [threading.Lock() for _ in range(threads - 1)]
    with ThreadPoolExecutor(max(1, threads - 1)) as pool:
        try:
            for busy in others:
                pool.submit(help, busy)
            take()
        finally:
            stop()
            _await(others)
    if errors:
        raise errors[min(errors)]
    return [done[begin] for begin in begins]


def _await(others: list[threading.Lock]) -> None:
    """Wait for threads, however often the user interrupts: the file must not be closed while one still writes. A lock tells it for
    certain; whoever is interrupted while a thread starts, or while it ends, does not know of the thread any more."""
    try:
        for busy in others:
            with busy:
                pass
    except KeyboardInterrupt:
        _await(others)
        raise
