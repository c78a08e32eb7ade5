"""Standard output and error of a command, whatever is at their other end."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any


@contextmanager
def standard_streams() -> Iterator[None]:
    """
    Let the block print to pipes that are closed early (``| head``) and to closed streams.

    What nobody reads is dropped, and the block goes on: its results may be files.
    """
    _open_closed_streams()
    stdout: Any = _Stream(sys.stdout or open(1, 'w', closefd=False))  # noqa: SIM115
    stderr: Any = _Stream(sys.stderr or open(2, 'w', closefd=False))  # noqa: SIM115
    with redirect_stdout(stdout), redirect_stderr(stderr):
        yield


def _open_closed_streams() -> None:
    # Otherwise a result gets the number of a closed stream, and what libraries print with it.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number is free


class _Stream:
    """A text stream that ignores that its reader has gone; otherwise the one it is given."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._dropped_on_failure():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._dropped_on_failure():
            self._stream.flush()

    @contextmanager
    def _dropped_on_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # Also what is still buffered, which the interpreter flushes at its end.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            if not isinstance(error, BrokenPipeError):
                raise
