"""The worker processes of a sweep on this machine."""

import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kerascnn import checks, files
from kerascnn.tuning.job import Job
from kerascnn.tuning.service import ADDRESS, work_for_chief

DEATHS = 3  # in a row of workers that never asked for a trial
NO_ROOM = 74  # exit status of a worker that cannot write: sysexits.h calls it an input/output error
LOG = "workers.log"  # in the folder of the sweep
THREADS = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")


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

        Raises: RuntimeError if workers die again and again before they ask; OSError if one cannot write.
        """
        for number, process in list(self._crew.items()):
            if process.exitcode == 0:
                del self._crew[number]
            elif process.exitcode == NO_ROOM:
                mend = "Mend what it says, then make the same call again: interrupted trials go on."
                raise OSError(f"A worker of the sweep could not write: see {str(self.job.folder / LOG)!r}. {mend}")
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
        from multiprocessing import forkserver

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
    threading.Thread(target=_end_with_the_chief, daemon=True).start()
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.environ.update(environment)  # before TensorFlow starts its threads
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    try:
        work_for_chief(pickle.loads(job))  # of the process that started this one, over their own pipe
    except OSError as error:
        if files.refused(error):
            print(error, file=sys.stderr, flush=True)
            os._exit(NO_ROOM)
        raise
    sys.stdout.flush()
    os._exit(0)  # gRPC and TensorFlow have threads that may hold up a normal end


def _end_with_the_chief() -> None:
    """Ends this process when the one that started it is gone, killed perhaps: the next start takes up its trial."""
    multiprocessing.parent_process().join()
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
