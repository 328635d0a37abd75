"""The chief of a sweep, who draws and remembers, as a service, and what a worker does."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_client import OracleClient

from kerascnn import data
from kerascnn.tuning.job import Job
from kerascnn.tuning.recorded import Recorded

WAIT = 0.2  # seconds between two looks
ADDRESS = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")


def work(job: Job, oracle, tuner_id: str) -> None:
    """Runs trials until the oracle, here or a client of the chief's, has no more."""
    with data.remembered(test=False):
        while True:
            trial = oracle.create_trial(tuner_id)
            if trial.status == "STOPPED":
                return
            if trial.status == "IDLE":
                time.sleep(WAIT)
                continue
            trial.status = "FAILED" if "error" in job.run(trial.trial_id) else "COMPLETED"
            oracle.end_trial(trial)


class Chief(protos.get_service_grpc().OracleServicer):
    """keras-tuner's service, without sending values and scores, which lie in the trials' folders.

    On the wire they would lose half of their digits, and a line would be printed for each condition of a space. What
    workers do not need, such as changing the space, is not offered. The messages are protocol buffers: no pickle.
    """

    def __init__(self, oracle: Recorded):
        self.oracle = oracle

    def CreateTrial(self, request, context):
        """The trial for a worker."""
        trial = self.oracle.create_trial(request.tuner_id)
        sent = keras_tuner.engine.trial.Trial(keras_tuner.HyperParameters(), trial.trial_id, trial.status)
        return protos.get_service().CreateTrialResponse(trial=sent.to_proto())

    def EndTrial(self, request, context):
        """The end of a trial."""
        self.oracle.end_trial(keras_tuner.engine.trial.Trial.from_proto(request.trial))
        return protos.get_service().EndTrialResponse()


@contextmanager
def serving(oracle: Recorded, address: str = "127.0.0.1:0") -> Iterator[int]:
    """Answers workers while the block runs, from a thread; gives the port, which is open by then.

    Port 0 is any that is free. Whoever reaches the port can take part: it has no password.
    """
    server = grpc.server(ThreadPoolExecutor(max_workers=1))  # one at a time, as keras-tuner's chief has it
    protos.get_service_grpc().add_OracleServicer_to_server(Chief(oracle), server)
    port = server.add_insecure_port(address)
    if not port:
        raise OSError(f"The chief of the sweep cannot listen at {address}: another process may have that port.")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=1).wait()


def is_remote() -> bool:
    """Whether keras-tuner's environment variables make this process a worker of a chief elsewhere.

    Raises: ValueError if one of them is missing.
    """
    if ADDRESS[0] not in os.environ:
        return False
    missing = [name for name in ADDRESS if name not in os.environ]
    if missing:
        raise ValueError(f"A sweep over several machines needs the environment variables {', '.join(missing)} too.")
    return "chief" not in os.environ[ADDRESS[2]]


def work_for_chief(job: Job) -> None:
    """Runs trials for the chief at the address that keras-tuner's environment variables give, until it has no more."""
    work(job, OracleClient(None), os.environ[ADDRESS[2]])
