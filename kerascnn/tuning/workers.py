"""The processes of a sweep: the chief, who draws and remembers, and workers, who run trials."""

import multiprocessing
import os
import pickle
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from pathlib import Path

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer
from keras_tuner.src.distribute.oracle_client import OracleClient

from kerascnn import checks, data
from kerascnn.tuning.job import Job
from kerascnn.tuning.oracles import Recorded

WAIT = 0.2  # seconds between two looks
DEATHS = 3  # in a row of workers that never asked for a trial
ADDRESS = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")
LOG = "workers.log"  # in the folder of the sweep
THREADS = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")


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


class Chief(OracleServicer):
    """keras-tuner's service, without sending values and scores, which lie in the trials' folders.

    On the wire they would lose half of their digits, and a line would be printed for each condition of a space.
    """

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


@dataclass
class Crew:
    """Worker processes on this machine, each with its share of cores and GPUs; one that dies is replaced.

    Attributes:
        job: what they run.
        port: the chief's.
        count: how many there are.
    """

    job: Job
    port: int
    count: int
    _crew: dict[int, multiprocessing.process.BaseProcess] = field(default_factory=dict)
    _deaths: int = 0
    _seen: int = -1

    def start(self) -> None:
        """Starts all of them."""
        for number in range(self.count):
            self._start(number)

    def tend(self, progress: int) -> bool:
        """Replaces the dead; False when all have come to the end. `progress` counts what workers have asked for.

        Raises: RuntimeError if workers die again and again before they ask.
        """
        for number, process in list(self._crew.items()):
            if process.exitcode == 0:
                del self._crew[number]
            elif process.exitcode is not None:
                self._replace(number, process.exitcode, progress)
        return bool(self._crew)

    def stop(self) -> None:
        """Ends those that still run."""
        for process in self._crew.values():
            process.kill()
            process.join()
        self._crew.clear()

    def _replace(self, number: int, status: int, progress: int) -> None:
        self._deaths = self._deaths + 1 if progress == self._seen else 1
        self._seen = progress
        if self._deaths > DEATHS * self.count:
            log = self.job.folder / LOG
            raise RuntimeError(f"Workers of the sweep die before they run a trial: see {str(log)!r} (status {status}).")
        self._start(number)

    def _start(self, number: int) -> None:
        given = pickle.dumps(self.job), _share(number, self.count, self.port), _cores_of(number, self.count)
        process = _context().Process(target=_worker, args=(*given, str(self.job.folder / LOG)), name=f"worker-{number}")
        process.start()
        self._crew[number] = process


def check_picklable(job: Job) -> None:
    """Raises TypeError, naming the argument, for what no other process can be given."""
    mend = "Define functions and classes in a module, pass data as a name, a folder or arrays, or set workers=1."
    for name, value in {"data": job.data, "space": job.space, "recipe": job.recipe, **job.fixed}.items():
        try:
            pickle.dumps(value)
        except Exception as error:  # pickle raises whatever it meets
            rule = f"be something that workers can be given ({error})"
            raise TypeError(checks.message(name, rule, value, mend)) from error


def _context():
    """How processes are started: from one that has imported everything, where the system can; it takes no second."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with _without_stderr():  # where TensorFlow's notes at its import would go
        forkserver.ensure_running()
    return context


@contextmanager
def _without_stderr() -> Iterator[None]:
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _worker(job: bytes, environment: Mapping[str, str], cores: Collection[int], log: str) -> None:
    """The main function of a worker process; what it says goes to the file `log`."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.environ.update(environment)  # before TensorFlow starts its threads
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    work_for_chief(pickle.loads(job))
    sys.stdout.flush()
    os._exit(0)  # gRPC and TensorFlow have threads that may hold up a normal end


def _end_with(parent: int) -> None:
    """Ends this process when its parent is gone, killed perhaps: what it works on is taken up by the next start."""
    while os.getppid() == parent:
        time.sleep(WAIT)
    os._exit(1)


def _share(number: int, count: int, port: int) -> dict[str, str]:
    """The environment of a worker: the chief's address, threads for its cores, its GPUs."""
    given = dict(zip(ADDRESS, ("127.0.0.1", str(port), f"worker-{number}"), strict=True))
    given |= {name: str(max(1, len(_cores_of(number, count)))) for name in THREADS}
    gpus = _gpus()
    return given | ({"CUDA_VISIBLE_DEVICES": ",".join(_dealt(gpus, number, count))} if gpus else {})


def _cores_of(number: int, count: int) -> list[int]:
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return _dealt(sorted(cores), number, count)


def _dealt(things: Sequence, number: int, count: int) -> list:
    """What worker `number` of `count` gets, each thing in turn; where there are too few, one that another has too.

    >>> _dealt("abcde", 1, 2), _dealt("ab", 2, 3)
    (['b', 'd'], ['a'])
    """
    return list(things[number::count]) or [things[number % len(things)]]


def _gpus() -> list[str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    folder = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number in range(len(list(folder.iterdir())))] if folder.is_dir() else []
