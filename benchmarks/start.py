"""Start-up time and memory: from the start of Python to the end of the first training step, each in a new process.

Sides alternate. Memory is the process's peak after some steps, and the part of it above what the imports took.

    python -m benchmarks.start --torch /path/to/another/python --networks resnet20 unet
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from functools import partial

from benchmarks.rounds import QUIET, ROOT, in_turn, spread, table

SIDES = {
    "kerascnn, float32": "tensorflow",
    "kerascnn, mixed_bfloat16": "tensorflow",
    "plain Keras, float32": "tensorflow",
    "kerascnn on JAX, float32": "jax",
    "torch eager, float32, channels last": None,
    "torch eager, bfloat16, channels last": None,
}
BATCH = {"resnet20": 128, "resnet64": 128, "unet": 16}
IMPORTS = {
    "import kerascnn": ["-c", "import kerascnn"],
    "import keras": ["-c", "import keras"],
    "python -m recipes --help": ["-m", "recipes", "--help"],
}
STEPS = 4
MEGA = 2**10  # kilobytes


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", default=sys.executable, metavar="PYTHON", help="the Python that has torch")
    parser.add_argument("--networks", nargs="+", default=["resnet20"], choices=BATCH)
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES)
    parser.add_argument("--batch", type=int, help="images a step; the default depends on the network")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--imports", action="store_true", help="the time of imports and of the command line too")
    parser.add_argument("--alone", nargs=2, metavar=("SIDE", "NETWORK"), help=argparse.SUPPRESS)
    return parser.parse_args()


def peak():
    """The most memory that this process has had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGA


def alone(side, network, batch):
    """When this process was so far, by the clock of the system, and its memory then."""
    if side.startswith("torch"):
        step = torch_step(side.removeprefix("torch "), network, batch)
    else:
        step = keras_step(side.replace(" on JAX", ""), network, batch)
    imported, memory = time.time(), peak()
    train = step()
    train()
    first = time.time()
    for _ in range(STEPS):
        train()
    return {"imported": imported, "first": first, "imports": memory, "peak": peak()}


def keras_step(kind, network, batch):
    from benchmarks import hand_written

    if kind.startswith("plain"):
        build = hand_written.NETWORKS[network]  # in float32, without an import of ours
    else:
        from benchmarks import keras_networks

        build = partial(keras_networks.built, network, kind)

    def ready():
        model, examples = build(), hand_written.batch(network, batch)
        return lambda: model.train_on_batch(*examples)

    return ready


def torch_step(kind, network, batch):
    from benchmarks import torch_networks

    images, targets = torch_networks.batch(network, batch)
    return lambda: torch_networks.step(network, kind, images, targets)


def in_process(side, network, options):
    """Seconds to the imports and to the end of the first step, and megabytes, of a new process."""
    python = options.torch if side.startswith("torch") else sys.executable
    batch = options.batch or BATCH[network]
    environment = {**os.environ, **QUIET, "KERAS_BACKEND": SIDES[side] or "tensorflow"}
    command = [python, "-m", "benchmarks.start", "--alone", side, network, "--batch", str(batch)]
    begun = time.time()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment, cwd=ROOT)
    found = json.loads(done.stdout.splitlines()[-1])
    above = found["peak"] - found["imports"]
    return found["imported"] - begun, found["first"] - begun, found["peak"], above


def seconds(command):
    environment, begun = {**os.environ, **QUIET}, time.time()
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True, env=environment, cwd=ROOT)
    return time.time() - begun


def has_torch(python):
    return subprocess.run([python, "-c", "import torch, numpy"], capture_output=True).returncode == 0


def main():
    options = arguments()
    if options.alone:
        print(json.dumps(alone(*options.alone, options.batch)))
        return
    if options.imports:
        times = in_turn({name: partial(seconds, command) for name, command in IMPORTS.items()}, options.rounds)
        table(["command", "seconds"], [[f"`{name}`", spread(found, ".2f")] for name, found in times.items()])
    sides = [side for side in options.sides if not side.startswith("torch") or has_torch(options.torch)]
    for network in options.networks:
        found = in_turn({side: partial(in_process, side, network, options) for side in sides}, options.rounds)
        rows = []
        for side, rounds in found.items():
            imported, first, most, above = zip(*rounds, strict=True)
            rows.append(
                [side, spread(imported), spread(first), *(f"{statistics.median(x):,.0f}" for x in (most, above))]
            )
        print(f"{network}, batch {options.batch or BATCH[network]}:\n")
        head = [
            "",
            "seconds until imported",
            "until the first step is done",
            "peak memory, MB",
            "above the imports, MB",
        ]
        table(head, rows)


if __name__ == "__main__":
    main()
