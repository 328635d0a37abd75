"""One host of a run, as a process; test_on_hosts.py starts, kills and cuts off several."""

import json
import sys
import time

import keras

from tests.training.on_devices import RUNS


class Pause(keras.callbacks.Callback):
    """So that there is time to kill a host in the middle."""

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.1)

    def on_epoch_end(self, epoch, logs=None):
        print("EPOCH", epoch + 1, flush=True)


def main(name, folder, epochs, hosts=None, host_index=None):
    where = {} if hosts is None else {"hosts": hosts, "host_index": int(host_index)}
    result = RUNS[name](save_to=folder, epochs=int(epochs), pictures=False, callbacks=[Pause()], **where)
    weights = [each.tolist() for each in result.model.get_weights()]
    told = {"history": dict(result.history), "weights": weights, "metrics": dict(result.metrics)}
    print("FOUND", json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
