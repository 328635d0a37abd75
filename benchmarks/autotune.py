"""What tf.data's autotuning costs at the end of `fit`: the same dataset with it and without, alternating in one run.

Autotuning runs in a thread that sleeps between its rounds, for times that double from 10 ms up to a minute. Now and
then the end of an iterator waits for it to wake: `fit` then takes until the next of 0.63, 1.27, 2.55, ... 81.9, 142,
202 seconds.

    python benchmarks/autotune.py --steps 700 --rounds 20
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
    pair = (np.ones((4, 1), "float32"),) * 2
    endless = tf.data.Dataset.range(10**9).map(lambda _: pair, num_parallel_calls=tf.data.AUTOTUNE)
    return endless.prefetch(tf.data.AUTOTUNE).with_options(options)


def seconds(model, steps, autotune):
    begun = time.perf_counter()
    model.fit(dataset(autotune), steps_per_epoch=steps, shuffle=False, verbose=0)
    return time.perf_counter() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    seconds(model, 2, False)  # compiles
    times = {True: [], False: []}
    for _ in range(arguments.rounds):
        for autotune, taken in times.items():
            taken.append(seconds(model, arguments.steps, autotune))
    usual = statistics.median(times[False])
    for autotune, taken in times.items():
        late = sum(each > 1.3 * usual for each in taken)
        kind = "with" if autotune else "without"
        print(f"{kind} autotuning: median {statistics.median(taken):.2f} s, longest {max(taken):.2f} s, {late} late")
    ratio = statistics.mean(times[True]) / statistics.mean(times[False])
    print(f"fit of {arguments.steps} steps, {arguments.rounds} rounds: mean with / without = {ratio:.2f}")


if __name__ == "__main__":
    main()
