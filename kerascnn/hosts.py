"""Several machines that train one network, on the JAX backend: who they are, what they agree on, how all end together.

Every host makes the same call and comes to the same `agreed` and `meet` in the same order. Outside of `joined` there is
one host, and all of this costs nothing.
"""

import ctypes
import itertools
import json
import os
import re
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn import checks

EXIT = 75  # status of a process that ends because another host is lost: starting it again may well help
PULSE = 1.0  # seconds between two signs of life
SILENCE = 30  # seconds without one after which a host is lost; KERASCNN_HOST_SILENCE has another number
START = 300  # seconds that hosts wait for each other when they begin
LONGEST = 7 * 24 * 3600  # seconds that one waits for what another does, as long as that one lives
PORT = 18_476  # of the first host in a Slurm job, if KERASCNN_PORT has no other
BROKEN = re.compile("(UNKNOWN|INTERNAL|UNAVAILABLE|ABORTED|CANCELLED|DEADLINE_EXCEEDED): ")  # a ValueError of JAX too
ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}")


@dataclass(frozen=True)
class Hosts:
    """The machines of a run.

    Attributes:
        first: address and port of the first one, which all others must reach.
        count: how many they are.
        index: which of them this one is, from 0.
    """

    first: str
    count: int
    index: int


class _Session:
    """What `joined` holds: the hosts, and JAX's client, a store of texts and barriers that all reach."""

    def __init__(self, hosts: Hosts, client: Any):
        self.hosts, self.client = hosts, client
        self.ended = threading.Event()


_joined: list[_Session] = []  # none or one, as JAX joins a process to one cluster
_numbers = itertools.count()  # of what was agreed on or met at, the same on all hosts


def named(hosts: str | None, host_index: int | None, environment: Mapping[str, str] = os.environ) -> Hosts | None:
    """The hosts that the arguments of a recipe name; None for this machine alone.

    "auto" reads the environment: of Slurm `SLURM_PROCID`, `SLURM_NTASKS` and the list of nodes; of an indexed job of
    Kubernetes `JOB_COMPLETION_INDEX`, and `KERASCNN_HOSTS` with the addresses.
    Raises: ValueError for what is no list of addresses, no place in it, or an environment that says nothing.

    >>> named("10.0.0.1:4000,10.0.0.2:4000", 1)
    Hosts(first='10.0.0.1:4000', count=2, index=1)
    """
    if hosts is None:
        if host_index is not None:
            raise ValueError(checks.message("host_index", "be None without `hosts`", host_index))
        return None
    if hosts == "auto":
        return _of_environment(environment)
    addresses = [each.strip() for each in hosts.split(",")]
    if len(set(addresses)) < len(addresses) or not all(map(ADDRESS.fullmatch, addresses)):
        rule = "be 'auto' or different addresses with ports, the same list on every host"
        raise ValueError(checks.message("hosts", rule, hosts, "Pass 'node1:4000,node2:4000'."))
    if host_index is None or isinstance(host_index, bool) or not 0 <= host_index < len(addresses):
        mend = "It says which of `hosts` this machine is."
        raise ValueError(checks.message("host_index", f"be in 0..{len(addresses) - 1}", host_index, mend))
    return Hosts(addresses[0], len(addresses), host_index)


def first() -> bool:
    """Whether this host is the one that writes: the first, or the only one."""
    return not _joined or _joined[0].hosts.index == 0


def several() -> bool:
    """Whether there are other hosts."""
    return bool(_joined)


def agreed(make: Callable[[], Any]) -> Any:
    """What `make()` gives on the first host, on all of them; it must be JSON's to hold. `make` runs there alone."""
    if not _joined:
        return make()
    session, key = _joined[0], f"kerascnn/agreed/{next(_numbers)}"
    if session.hosts.index == 0:
        session.client.key_value_set(key, json.dumps(make()))
    return json.loads(session.client.blocking_key_value_get(key, LONGEST * 1000))


def meet() -> None:
    """Waits until all hosts have come here: what the first one wrote before can then be read."""
    if _joined:
        _joined[0].client.wait_at_barrier(f"kerascnn/meet/{next(_numbers)}", LONGEST * 1000)


def check_shared(folder: Path) -> None:
    """Raises ValueError unless all hosts see the files that the first one writes into `folder`."""
    if not _joined:
        return

    def mark() -> str:
        name = f".hosts-{secrets.token_hex(4)}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
        return name

    name = agreed(mark)
    seen = (folder / name).exists()
    meet()
    if first():
        (folder / name).unlink()
    if not seen:
        rule = "be a folder that all hosts share, as on a network file system"
        raise ValueError(checks.message("save_to", rule, str(folder), "This host does not see what the first writes."))


@contextmanager
def joined(hosts: Hosts | None) -> Iterator[None]:
    """This process as one of `hosts`, within a `with` block that all of them leave together.

    If a host dies, is cut off or fails, the process of every other ends: with a message, the status `EXIT`, and
    within `SILENCE` seconds and a few more, even in the middle of a computation.

    Raises: ValueError where JAX is not the backend or is in use already; TimeoutError if not all hosts come in time.
    """
    if hosts is None or hosts.count == 1:
        yield
        return
    session = _Session(hosts, _connected(hosts))
    _joined.append(session)
    _watch(session)
    take_back = _speak_at_abort(session)
    try:
        yield
        meet()
    except BaseException as error:
        _fail(session, error)
        raise
    finally:
        session.ended.set()
        take_back()
        _joined.clear()


def _of_environment(environment: Mapping[str, str]) -> Hosts:
    if "JOB_COMPLETION_INDEX" in environment:
        return named(environment.get("KERASCNN_HOSTS", ""), int(environment["JOB_COMPLETION_INDEX"]))
    if "SLURM_PROCID" in environment:
        nodes = environment.get("SLURM_STEP_NODELIST") or environment["SLURM_JOB_NODELIST"]
        port = environment.get("KERASCNN_PORT", PORT)
        count = int(environment.get("SLURM_STEP_NUM_TASKS") or environment["SLURM_NTASKS"])
        return Hosts(f"{_first_node(nodes)}:{port}", count, int(environment["SLURM_PROCID"]))
    mend = "Start it with srun, as an indexed job of Kubernetes, or pass hosts='node1:4000,node2:4000' and host_index."
    raise ValueError(checks.message("hosts", "be other than 'auto' outside of Slurm and Kubernetes", "auto", mend))


def _first_node(nodes: str) -> str:
    """The first of a list of nodes as Slurm writes it.

    >>> _first_node("gpu[007-009,12],cpu1"), _first_node("login-1,gpu2")
    ('gpu007', 'login-1')
    """
    name = re.match(r"([^\[,]*)(?:\[([^\],-]*)[^\]]*\]([^,]*))?", nodes)
    return "".join(part or "" for part in name.groups())


def _connected(hosts: Hosts) -> Any:
    """JAX's client of the cluster, to which this process is joined now or was by an earlier call."""
    import keras

    if keras.config.backend() != "jax":
        mend = "Set KERAS_BACKEND=jax: MultiWorkerMirroredStrategy does not work under Keras 3 (keras issue #20585)."
        raise ValueError(checks.message("hosts", f"be None on the {keras.config.backend()} backend", hosts, mend))
    import jax
    from jax._src import distributed  # its store of texts has no public name

    if distributed.global_state.client is None:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        options = {
            "cluster_detection_method": "deactivate",
            "initialization_timeout": START,
            "heartbeat_timeout_seconds": 10 * int(silence()),  # ours is to be the one that speaks
            "shutdown_timeout_seconds": 10,
        }
        try:
            jax.distributed.initialize(hosts.first, hosts.count, hosts.index, **options)
        except RuntimeError as error:
            _explain(hosts, error)
    return distributed.global_state.client


def _explain(hosts: Hosts, error: RuntimeError) -> None:
    if "before any JAX" in str(error):
        mend = "Make this call before all other work with Keras or JAX in the process."
        raise ValueError(checks.message("hosts", "join before JAX is in use", hosts.first, mend)) from error
    raise TimeoutError(
        f"Not all of {hosts.count} hosts have met at {hosts.first} within {START} s. Start the same call on every "
        f"host, each with its own host_index, and let all reach that port. ({str(error).splitlines()[0]})"
    ) from error


def _speak_at_abort(session: _Session) -> Callable[[], object]:
    """Lets the process end as it should where JAX aborts it, at once when the first host, with the store, has gone.

    JAX has a callback for that, which fails (jaxlib 0.10.2), and Python's own handlers of signals come too late.
    Returns what takes it back.
    """
    if os.name != "posix":
        return lambda: None
    library = ctypes.CDLL(None)
    told = f"JAX aborts this process, as it does when the first host, {session.hosts.first}, has gone"
    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda number: _end(session, told))
    library.signal(signal.SIGABRT, handler)

    def take_back():
        library.signal(signal.SIGABRT, None)
        return handler  # which had to be kept until now

    return take_back


def silence() -> float:
    """Seconds without a sign of life after which a host counts as lost."""
    return float(os.environ.get("KERASCNN_HOST_SILENCE", SILENCE))


def _watch(session: _Session) -> None:
    """Two threads: one talks to the store, which may hang when the network is cut, and one looks at the clock."""
    begun = time.monotonic() + START  # of those that are yet to come
    heard = {index: begun for index in range(session.hosts.count) if index != session.hosts.index}
    for work in (_pulse, _judge):
        threading.Thread(target=work, args=(session, heard), daemon=True).start()


def _pulse(session: _Session, heard: dict[int, float]) -> None:
    """Gives signs of life, notes those of others, and ends the process when one has failed."""
    client, own, seen = session.client, session.hosts.index, {}
    for beat in itertools.count():
        if session.ended.wait(PULSE):
            return
        try:
            client.key_value_set(f"kerascnn/pulse/{own}", str(beat), allow_overwrite=True)
            pulses = client.key_value_dir_get("kerascnn/pulse/")
            failed = client.key_value_dir_get("kerascnn/failed/")
        except RuntimeError:  # the first host does not answer: the clock decides
            continue
        for key, reason in failed:
            if not key.endswith(f"/{own}"):
                _end(session, f"Host {key.rsplit('/', 1)[1]} has ended: {reason}")
        for key, value in pulses:
            index = int(key.rsplit("/", 1)[1])
            if index in heard and seen.get(index) != value:
                seen[index], heard[index] = value, time.monotonic()


def _judge(session: _Session, heard: dict[int, float]) -> None:
    """Ends the process when a host has been silent for too long."""
    limit = silence()
    while not session.ended.wait(PULSE):
        now = time.monotonic()
        lost = [index for index, moment in heard.items() if now - moment > limit]
        if lost and session.hosts.index and len(lost) == len(heard):
            _end(session, f"The first host, {session.hosts.first}, has not answered for {limit:.0f} s")
        if lost:
            names = " and ".join(map(str, lost))
            _end(session, f"No sign of life for {limit:.0f} s from host {names} of {session.hosts.count}")


def _end(session: _Session, reason: str) -> None:
    if session.ended.is_set():
        return
    print(
        f"error: {reason}. It died, or the network between the hosts is cut. All hosts end now. Make the same call "
        "again, on as many hosts as there are: with `save_to` it goes on from the last epoch that was saved.",
        file=sys.stderr,
        flush=True,
    )
    os._exit(EXIT)  # the main thread may be deep in a computation that waits for the lost host


def _is_of_a_computation(error: BaseException | None) -> bool:
    """Whether JAX raised it, or something that came of it: Keras' `fit` stumbles over the weights that it leaves."""
    while error is not None:
        if type(error).__name__ in ("JaxRuntimeError", "XlaRuntimeError") or BROKEN.match(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _fail(session: _Session, error: BaseException) -> None:
    """Tells the others why this host ends; a computation that broke is left to the watch, which knows why."""
    if _is_of_a_computation(error):
        time.sleep(silence() + 5 * PULSE)
    reason = f"{type(error).__name__} {str(error).splitlines()[0] if str(error) else ''}".strip()
    try:
        session.client.key_value_set(f"kerascnn/failed/{session.hosts.index}", reason, allow_overwrite=True)
        time.sleep(3 * PULSE)  # the store ends with the first host
    except RuntimeError:
        return
