"""Weak scaling over two processes of JAX, each bound to a core, and the time of an all-reduce by its size.

A training step of ResNet-20 with as many images in each process: in one process alone, in two at the same time that
know nothing of each other, and in two that are one (`keras.distribution.DataParallel`; gloo over the loopback device).
The second shows what the cores share, the third what the reduction adds. All live to the end and work in turn.

    python -m benchmarks.scaling --batch 32 --rounds 5
"""

import argparse
import os
import re
import socket
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.rounds import Worker, ask_all, figures, in_turn, milliseconds, ratio, serve, spread, table

SIZES = [4**power for power in range(6, 14)]  # bytes: 4 KiB to 64 MiB
WARM_UP = 2
COLUMNS = ("one process", "two, apart", "two as one")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32, help="images a step in each process")
    parser.add_argument("--steps", type=int, default=3, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="bytes of the largest all-reduce")
    parser.add_argument("--repeats", type=int, default=15, help="of each all-reduce")
    parser.add_argument("--core", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = arguments()
    if options.core is not None:
        worker(options)
        return
    with ExitStack() as stack:
        apart = [stack.enter_context(process(core, options)) for core in (0, 1)]
        port = free_port()
        dump = stack.enter_context(tempfile.TemporaryDirectory())
        joined = [stack.enter_context(process(core, options, port, dump)) for core in (0, 1)]
        for group in (apart, joined):
            ask_all(group, "milliseconds", WARM_UP)
        times = in_turn({
            COLUMNS[0]: lambda: turn(apart[:1], options.steps),
            COLUMNS[1]: lambda: turn(apart, options.steps),
            COLUMNS[2]: lambda: turn(joined, options.steps),
        }, options.rounds)  # fmt: skip
        sizes = [size for size in SIZES if size <= options.most]
        reduced = {size: ask_all(joined, "all_reduce", size, options.repeats)[0] for size in sizes}
        parameters, pieces = joined[0].ask("parameters"), reductions(dump)
    tell(times, reduced, options.batch)
    print(f"A step as one has {pieces} all-reduces: of gradients, and of batch statistics, which are global.\n")
    figures(
        weak={name: statistics.median(values) for name, values in times.items()},
        parameters=parameters,
        pieces=pieces,
        all_reduce=[[size, statistics.median(values)] for size, values in reduced.items()],
    )


def process(core, options, port=None, dump=None):
    command = ["-m", "benchmarks.scaling", "--core", str(core), "--batch", str(options.batch)]
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_CPU_COLLECTIVES_IMPLEMENTATION": "gloo"}
    if port:
        command += ["--port", str(port)]
    if dump and not core:
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_dump_to={dump} --xla_dump_hlo_as_text"
        environment["XLA_FLAGS"] = flags.strip()
    return Worker(command, **environment)


def reductions(dump):
    """How many all-reduces the step has, the largest program that XLA has written to the folder."""
    programs = [path.read_text() for path in Path(dump).glob("*after_optimizations.txt")]
    return len(re.findall(r" all-reduce(?:-start)?\(", max(programs, key=len)))


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def turn(workers, steps):
    """The median step of the slower process."""
    return max(statistics.median(times) for times in ask_all(workers, "milliseconds", steps))


def worker(options):
    """One of the processes: bound to its core before JAX counts them."""
    if hasattr(os, "sched_setaffinity"):
        own = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {own[options.core % len(own)]})
    import keras

    if options.port:
        keras.distribution.initialize(f"127.0.0.1:{options.port}", 2, options.core)
        devices = keras.distribution.list_devices("cpu")
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))
    from benchmarks import keras_networks

    model, examples = (
        keras_networks.built("resnet20", "kerascnn, float32"),
        keras_networks.batch("resnet20", options.batch),
    )
    serve({
        "milliseconds": lambda count: milliseconds(lambda: model.train_on_batch(*examples), count),
        "all_reduce": all_reduce,
        "parameters": lambda: sum(weight.value.size for weight in model.trainable_weights),
    })  # fmt: skip


def all_reduce(size, repeats):
    """Milliseconds of each sum of as many bytes of float32 over all processes."""
    import jax
    import numpy as np

    mesh = jax.sharding.Mesh(jax.devices(), ("process",))
    split, whole = (jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*axes)) for axes in (("process",), ()))
    values = jax.make_array_from_process_local_data(split, np.ones((1, size // 4), "float32"))
    summed = jax.jit(lambda x: x.sum(0), out_shardings=whole)
    times = milliseconds(lambda: summed(values).block_until_ready(), WARM_UP + repeats)
    return times[WARM_UP:]


def tell(times, reduced, batch):
    alone = times[COLUMNS[0]]
    print(f"A step of ResNet-20 in float32 on JAX, {batch} images in each process, a core each:\n")
    rows = [[name, spread(values), ratio(alone, values)] for name, values in times.items()]
    table(["", "ms a step", "efficiency: one process / this"], rows)
    print("An all-reduce of float32 between the two:\n")
    shown = [[f"{size / 2**20:.3g} MiB", spread(values, ".2f")] for size, values in reduced.items()]
    table(["size", "milliseconds"], shown)


if __name__ == "__main__":
    sys.exit(main())
