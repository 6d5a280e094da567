"""Answers requests: one JSON object per line on standard input and on standard output."""

import json
import sys
import time
import traceback


def serve(handlers):
    # Output of libraries must not mix with the replies.
    replies, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = handlers[request.pop("do")](**request)
        except Exception as error:
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)


def time_calls(call, count):
    """The time of each of `count` calls, in milliseconds."""
    times = []
    for _ in range(count):
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    return times
