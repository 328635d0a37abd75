"""What `layers.rematerialize` saves and costs: peak memory and processor time of a step, in processes of their own.

The peak is that of the process above what it held before the first step. Seconds are those of the processor, which a
busy machine changes less than those of the clock.

    python benchmarks/rematerialize.py --size 256 --batch 8
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

NETWORKS = {"U-Net, 16 filters, 4 levels": "unet(filters=16, depth=4)", "ResNet-18": "resnet18"}


def measure(name: str, how: str, size: int, batch: int, steps: int) -> dict[str, float]:
    """MiB above what was held before, and seconds a step, in this process."""
    import keras
    import numpy as np

    from kerascnn import layers, models

    keras.utils.set_random_seed(0)
    maps = name.startswith("unet")
    network = (models.build_map if maps else models.build)(name, (size, size, 3), 4)
    if how == "twice":
        layers.rematerialize(network, (size, size, 3))
    network.compile("sgd", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (batch, size, size, 3), "uint8")
    y = rng.integers(0, 4, (batch, size, size) if maps else (batch,))
    before = status("VmRSS")
    losses = [float(np.ravel(keras.ops.convert_to_numpy(network.train_on_batch(x, y)))[0])]
    begun = time.process_time()
    losses += [float(np.ravel(network.train_on_batch(x, y))[0]) for _ in range(steps)]
    return {"mib": status("VmHWM") - before, "seconds": (time.process_time() - begun) / steps, "loss": losses[-1]}


def status(name: str) -> float:
    """A figure of this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "HOW"))
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one, options.size, options.batch, options.steps)))
        return
    print("network                      kept MiB  twice MiB  ratio  kept s  twice s  ratio  loss")
    for title, name in NETWORKS.items():
        command = [sys.executable, __file__, *sys.argv[1:], "--one", name]
        once, twice = (json.loads(subprocess.check_output([*command, how])) for how in ("once", "twice"))
        memory, cost = twice["mib"] / once["mib"], twice["seconds"] / once["seconds"]
        same = "the same" if once["loss"] == twice["loss"] else f"{once['loss']} and {twice['loss']}"
        print(f"{title:28} {once['mib']:8.0f} {twice['mib']:10.0f} {memory:6.2f} {once['seconds']:7.2f}"
              f" {twice['seconds']:8.2f} {cost:6.2f}  {same}")  # fmt: skip


if __name__ == "__main__":
    main()
