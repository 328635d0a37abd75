"""What tf.data's autotuning costs at the end of `fit`: the same dataset with it and without, alternating in one run.

Autotuning runs in a thread that sleeps between its rounds, for times that double from 10 ms up to a minute, and often
the end of an iterator waits for it to wake: `fit` then takes until the next of 0.63, 1.27, 2.55, ... 81.9, 142, 202 s.

    python benchmarks/autotune.py --steps 700 --rounds 15
"""

import argparse
import statistics
import time

import keras
import numpy as np
import tensorflow as tf


def dataset(autotune):
    options = tf.data.Options()
    options.autotune.enabled = autotune
    return tf.data.Dataset.from_tensors((np.ones((4, 1), "float32"),) * 2).repeat().with_options(options)


def seconds(model, steps, autotune):
    begun = time.perf_counter()
    model.fit(dataset(autotune), steps_per_epoch=steps, shuffle=False, verbose=0)
    return time.perf_counter() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    seconds(model, 2, False)  # compiles
    times = {True: [], False: []}
    for _ in range(arguments.rounds):
        for autotune, taken in times.items():
            taken.append(seconds(model, arguments.steps, autotune))
    with_it, without = (statistics.mean(taken) for taken in times.values())
    ratio = with_it / without
    print(
        f"fit of {arguments.steps} steps: {with_it:.2f} s with autotuning, {without:.2f} s without, {ratio:.2f} times"
    )


if __name__ == "__main__":
    main()
