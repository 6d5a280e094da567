"""All-reduces of PyTorch's gloo on request, with the requested number of processes: gloo_ranks.py

The processes are forked from this one, so that PyTorch is imported only once, and each enters its network namespace.
A time is measured from when the last rank begins `all_reduce`, after a pause and a `barrier`, to when the last one has
the sum.
"""

import ctypes
import multiprocessing
import os
import pathlib
import platform
import signal
import sys
import time
from datetime import timedelta

import torch
import torch.distributed as dist

sys.path.append(str(pathlib.Path(__file__).parent.parent / "gradient"))
from request_loop import serve

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)
torch.set_num_threads(1)
ranks = []

# How long the ranks pause before each all-reduce, as if they computed, as in ../../allreduce/gate.mjs; in seconds.
PAUSE_OF_LAST = 1.5
LEAST_PAUSE = 0.010
MOST_PAUSE = 3.0


def hello():
    return {"PyTorch": torch.__version__, "Python of PyTorch": platform.python_version()}


def open_ranks(namespaces, elements, interface, address, port):
    close_ranks()
    context = multiprocessing.get_context("fork")
    for rank, namespace in enumerate(namespaces):
        ours, theirs = context.Pipe()
        where = {"namespace": namespace, "interface": interface, "rendezvous": f"tcp://{address}:{port}"}
        arguments = (theirs, rank, len(namespaces), elements, where)
        process = context.Process(target=run_rank, args=arguments, daemon=True)
        process.start()
        ranks.append((process, ours))
    return {"pids": [process.pid for process, _ in ranks if answer_of(_) == "ready"]}


def measure(iterations):
    for _, connection in ranks:
        connection.send(iterations)
    times = [answer_of(connection) for _, connection in ranks]
    return {"ms": [between_last(of_iteration) for of_iteration in zip(*times)]}


def between_last(of_ranks):
    """From the last start to the last end, in ms. All processes share the system's monotonic clock."""
    starts, ends = zip(*of_ranks)
    return (max(ends) - max(starts)) / 1e6


def close_ranks():
    for process, _ in ranks:
        process.kill()
    for process, _ in ranks:
        process.join()
    ranks.clear()
    return {}


def answer_of(connection):
    answer = connection.recv()
    if isinstance(answer, Exception):
        raise answer
    return answer


def run_rank(connection, rank, world_size, elements, where):
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        enter_namespace(where["namespace"])
        os.environ["GLOO_SOCKET_IFNAME"] = where["interface"]
        reach = {"init_method": where["rendezvous"], "timeout": timedelta(minutes=5)}
        dist.init_process_group("gloo", rank=rank, world_size=world_size, **reach)
        dist.barrier()
        connection.send("ready")
        tensor = torch.empty(elements)
        while True:
            connection.send(time_all_reduces(tensor, rank, world_size, connection.recv()))
    except Exception as error:
        connection.send(RuntimeError(f"rank {rank}: {error}"))


def enter_namespace(name):
    """Enters a network namespace by its name in iproute2."""
    with open(f"/run/netns/{name}") as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter the network namespace {name}")


def time_all_reduces(tensor, rank, world_size, iterations):
    times = []
    pause = LEAST_PAUSE
    for _ in range(iterations):
        time.sleep(pause)
        started, ended = time_all_reduce(tensor, rank, world_size)
        times.append((started, ended))
        pause = min(MOST_PAUSE, max(LEAST_PAUSE, PAUSE_OF_LAST * (ended - started) / 1e9))
    return times


def time_all_reduce(tensor, rank, world_size):
    tensor.fill_(rank + 1)
    dist.barrier()
    started = time.monotonic_ns()
    dist.all_reduce(tensor)
    ended = time.monotonic_ns()
    expected = world_size * (world_size + 1) / 2
    if tensor[0] != expected or tensor[-1] != expected:
        raise ValueError(f"the sum is {tensor[0]} and {tensor[-1]} instead of {expected}")
    return started, ended


serve({"hello": hello, "open": open_ranks, "measure": measure, "close": close_ranks})
