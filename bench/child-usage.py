"""Runs a command, its output thrown away, and prints what it took: {"exit", "seconds", "cpuSeconds", "peakBytes"}."""

import json
import os
import sys
import time

nowhere = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
start = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
_, status, usage = os.wait4(child, 0)
peak_unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({
    "exit": os.waitstatus_to_exitcode(status),
    "seconds": time.perf_counter() - start,
    "cpuSeconds": usage.ru_utime + usage.ru_stime,
    "peakBytes": usage.ru_maxrss * peak_unit,
}))
