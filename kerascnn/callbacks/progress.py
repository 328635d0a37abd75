"""A live table of the epochs, with a bar for the one that runs."""

import sys
import time
from typing import Any

import keras
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

ROWS = 12  # epochs shown at a time


class Progress(keras.callbacks.Callback):
    """Shows a bar with the time to go and a table of the last epochs; where there is no terminal, one line an epoch.

    Args:
        epochs: number of epochs of the whole run.
        images: training images an epoch, for the speed.
        live: whether to draw the table in place; None does where there is a terminal.
        stream: where to write; None is the standard error stream, which leaves the output to results.
    """

    async_safe = True  # Keras then need not wait for each step's figures, on backends that can run ahead

    def __init__(self, epochs: int, images: int, *, live: bool | None = None, stream: Any = None):
        super().__init__()
        self.epochs, self.images = epochs, images
        self.console = Console(file=stream or sys.stderr)
        self.live = self.console.is_terminal if live is None else live
        self._rows: list[tuple[str, ...]] = []
        self._header: list[str] = []
        self._begun, self._epoch = 0.0, 0
        self._seen: tuple[int, int] | None = None
        self._live: Live | None = None

    def on_train_begin(self, logs=None):
        """Opens the display."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[now]}"),
        )
        self._bar = Bar(*columns, console=self.console)
        steps = self.params.get("steps") or 0
        self._task = self._bar.add_task("training", total=self.epochs * steps, now="")
        if self.live:
            self._live = Live(self._view(), console=self.console, refresh_per_second=4)
            self._live.start()

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the epoch's clock."""
        self._begun, self._seen = time.perf_counter(), None
        self._epoch, steps = epoch, self.params.get("steps") or 0
        self._bar.update(self._task, description=f"epoch {epoch + 1}/{self.epochs}", completed=epoch * steps)

    def on_train_batch_begin(self, batch, logs=None):
        """Counts the steps, of which an epoch that is resumed or cut short has fewer."""
        self._seen = (batch if self._seen is None else self._seen[0], batch + 1)

    def on_train_batch_end(self, batch, logs=None):
        """Moves the bar."""
        if self._live is not None:
            done = self._epoch * (self.params.get("steps") or 0) + batch + 1
            self._bar.update(self._task, completed=done, now=f"loss {float(logs['loss']):.3f}")

    def on_epoch_end(self, epoch, logs=None):
        """Adds the epoch to the table."""
        seconds = time.perf_counter() - self._begun
        self._header = ["epoch", *(name.replace("_", " ") for name in logs), "seconds", "images/s"]
        figures = [f"{value:.4f}" for value in logs.values()]
        first, last = self._seen or (0, 1)
        speed = self.images / (self.params.get("steps") or 1) * (last - first) / seconds
        self._rows.append((f"{epoch + 1}/{self.epochs}", *figures, f"{seconds:.1f}", f"{speed:,.0f}"))
        if self._live is not None:
            self._live.update(self._view())
        else:
            self._line()

    def on_train_end(self, logs=None):
        """Leaves the table on the screen."""
        self.close()

    def close(self) -> None:
        """Gives the terminal back, also when training ended with an error."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _view(self) -> Group:
        table = Table(*self._header, box=None, header_style="bold")
        for row in self._rows[-ROWS:]:
            table.add_row(*row)
        return Group(table, self._bar)

    def _line(self) -> None:
        pairs = zip(self._header, self._rows[-1], strict=True)
        self.console.print("  ".join(f"{name} {value}" for name, value in pairs), highlight=False, soft_wrap=True)
