"""How the cost of training grows with the number of devices: a model of measured step, input and all-reduce times.

Each device takes the same batch, so that n devices take n times as many images a step. A step takes as long as

    the slowest of n draws from the measured steps + the input of a batch + a ring all-reduce of the gradients,

nothing of it overlapped. The ring sends 2 (n - 1) / n of the gradients' bytes through each device's link, in 2 (n - 1)
messages. Link and message are what the all-reduces of two processes measured, a straight line through their times, or
those of an assumed network. Gradients go in one piece, as a framework that gathers them sends them, and those of
ResNet-20 also in as many as Keras sends on JAX now, where batch statistics are global too.

    python -m benchmarks.growth saved_models/runs/benchmarks
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.rounds import table

DEVICES = (1, 2, 8, 64, 512)
FLOAT = 4  # bytes
SOURCES = {
    "resnet20": "arrays of 32 px, labels",
    "resnet64": "arrays of 32 px, labels",
    "unet": "arrays of 128 px, masks",
}


@dataclass(frozen=True)
class Link:
    """What one message costs, in milliseconds, and the bytes that pass in a millisecond."""

    message: float
    bandwidth: float

    def all_reduce(self, devices: int, size: float, pieces: int = 1) -> float:
        """Milliseconds of a ring all-reduce of `size` bytes, in as many pieces one after the other.

        >>> Link(0.5, 1000).all_reduce(4, 2000)  # 6 messages, and 1.5 times 2000 bytes
        6.0
        """
        return 2 * (devices - 1) * (pieces * self.message + size / devices / self.bandwidth)


ASSUMED = {"10 Gbit/s, 0.05 ms a message": Link(0.05, 1.25e6), "100 Gbit/s, 0.01 ms a message": Link(0.01, 1.25e7)}


def measured(times: Sequence[tuple[float, float]]) -> Link:
    """The link between two processes from pairs of bytes and milliseconds, small sizes counting as much as large.

    >>> measured([(0, 1.0), (1000, 2.0), (4000, 5.0)])
    Link(message=0.5, bandwidth=1000.0)
    """
    sizes, taken = np.array(times).T
    slope, start = np.polyfit(sizes, taken, 1, w=1 / taken)
    return Link(round(max(start, 0.0) / 2, 9), round(1 / max(slope, 1e-12), 6))


def slowest(times: Sequence[float], count: int) -> float:
    """The expected maximum of `count` draws from `times`.

    >>> slowest([1.0, 3.0], 1), slowest([1.0, 3.0], 2)
    (2.0, 2.5)
    """
    below = (np.arange(len(times) + 1) / len(times)) ** count
    return float(np.sort(times) @ np.diff(below))


def efficiency(steps: Sequence[float], made: float, reduced: float, devices: int) -> float:
    """The time of a step on one device by that on many, in all of which a device does the same.

    `made`: milliseconds of the input of a batch; `reduced`: of the all-reduce.
    """
    return (statistics.mean(steps) + made) / (slowest(steps, devices) + made + reduced)


def read(folder: Path) -> dict[str, dict]:
    """The figures that earlier measurements left in the folder, by their names."""
    found = {path.stem: json.loads(path.read_text())["figures"] for path in sorted(folder.glob("*.json"))}
    return {name: figures for name, figures in found.items() if figures}


def row(one: dict, inputs: dict, link: Link, pieces: int) -> list[str]:
    """What a step of a network costs, and its efficiency over `DEVICES`."""
    made = 1000 * one["batch"] / inputs[SOURCES[one["network"]]]
    size, times = FLOAT * one["parameters"], one["steps"]
    shares = [efficiency(times, made, link.all_reduce(devices, size, pieces), devices) for devices in DEVICES]
    costs = [f"{statistics.mean(times):.0f} + {made:.0f}", f"{size / 1e6:.1f}", str(pieces)]
    return [f"{one['network']}, batch {one['batch']}", *costs, *(f"{share:.0%}" for share in shares)]


def tell(found: dict[str, dict]) -> None:
    """Prints the table of each link, and what the model says of the two processes that were measured."""
    steps = [one for name, one in found.items() if name.startswith("steps")]
    inputs, scaling = found["inputs"]["inputs"], found["scaling"]
    link, pieces, weak = measured(scaling["all_reduce"]), scaling["pieces"], scaling["weak"]
    print(f"Measured link: {link.message:.3f} ms a message and {link.bandwidth / 1e6:.2f} GB/s.\n")
    for name, each in {"the measured link": link, **ASSUMED}.items():
        rows = [row(one, inputs, each, 1) for one in steps]
        rows += [row(one, inputs, each, pieces) for one in steps if one["network"] == "resnet20"]
        print(f"Efficiency, which is also the cost of an image on one device by that on many, over {name}:\n")
        head = ["", "step + input, ms", "gradients, MB", "all-reduces", *(f"{devices} devices" for devices in DEVICES)]
        table(head, rows)
    reduced = link.all_reduce(2, FLOAT * scaling["parameters"], pieces)
    print(
        f"Check: two processes apart took {weak['two, apart']:.1f} ms a step, the model adds {reduced:.1f} ms for "
        f"{pieces} all-reduces, and two as one took {weak['two as one']:.1f} ms.",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where `python -m benchmarks` keeps what it measured")
    tell(read(parser.parse_args().folder))


if __name__ == "__main__":
    main()
