"""Where the time of a compiled graph goes: profile_saved_model.py FOLDER THREADS STEPS CLASSES

Runs the SavedModel in a TensorFlow 1 session with default options, as tfjs-node does, so that the same graph
optimisations apply. Adds up the times of each operation in full traces and prints JSON.
"""

import json
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
v1.disable_eager_execution()


def main(folder, threads, steps, classes):
    config = v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
    with v1.Session(config=config) as session:
        signature = v1.saved_model.loader.load(session, ["serve"], folder).signature_def["serving_default"]
        feeds = {info.name: random_input(info, classes) for info in signature.inputs.values()}
        fetches = [info.name for info in signature.outputs.values()]
        run = session.make_callable(fetches, feed_list=list(feeds))
        values = list(feeds.values())
        plain = measure(lambda: run(*values), steps)
        options = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE, output_partition_graphs=True)
        traces = []
        for _ in range(steps + 3):
            traces.append(v1.RunMetadata())
            session.run(fetches, feeds, options=options, run_metadata=traces[-1])
    print(json.dumps({"stepMs": plain, "steps": steps, "ops": add_up(traces[3:], traces[0])}))


def random_input(info, classes):
    random = np.random.default_rng(1)
    shape = [dimension.size for dimension in info.tensor_shape.dim]
    kind = tf.dtypes.as_dtype(info.dtype)
    if kind == tf.float32:
        return random.normal(0, 0.05, shape).astype(np.float32)
    limit = {tf.uint8: classes if len(shape) == 1 else 256, tf.int32: 2**31 - 1}[kind]
    return random.integers(0, limit, shape).astype(kind.as_numpy_dtype)


def measure(run, steps):
    times = []
    for _ in range(steps + 3):
        started = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[3:])


def add_up(traces, first):
    """Milliseconds and calls per step of each kind of operation: means over the traces."""
    kinds = {node.name: describe(node) for graph in first.partition_graphs for node in graph.node}
    totals = {}
    for trace in traces:
        for device in trace.step_stats.dev_stats:
            for stats in device.node_stats:
                kind = kinds.get(stats.node_name)
                if kind is None:
                    continue
                entry = totals.setdefault(kind, {"op": kind, "calls": 0, "ms": 0})
                entry["calls"] += 1 / len(traces)
                entry["ms"] += (stats.op_end_rel_nanos - stats.op_start_rel_nanos) / 1e6 / len(traces)
    return sorted(totals.values(), key=lambda entry: -entry["ms"])


def describe(node):
    """`_FusedConv2D (BiasAdd, Relu) bfloat16`"""
    fused = [name.decode() for name in node.attr["fused_ops"].list.s] if "fused_ops" in node.attr else []
    narrow = any(node.attr[name].type == tf.bfloat16.as_datatype_enum for name in ("T", "dtype") if name in node.attr)
    return node.op + (f" ({', '.join(fused)})" if fused else "") + (" bfloat16" if narrow else "")


main(sys.argv[1], *map(int, sys.argv[2:]))
