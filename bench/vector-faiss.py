"""The faiss side of bench/vector.mjs: obeys one JSON command a line on stdin, answers one a line on stdout.

{"open": file, "queries": file, "threads": n}      ->  {"count": n}
{"batch": b, "calls": n, "k": k}                  ->  {"seconds": s, "cpuSeconds": s}
{"answers": k}                                     ->  {"ids": the neighbours of each query}
"""

import json
import sys
import time

import faiss
import numpy as np

index = queries = None

for line in sys.stdin:
    command = json.loads(line)
    if "open" in command:
        faiss.omp_set_num_threads(command["threads"])
        index = faiss.read_index(command["open"])
        queries = np.fromfile(command["queries"], dtype="float32").reshape(-1, index.d)
        reply = {"count": index.ntotal}
    elif "answers" in command:
        reply = {"ids": index.search(queries, command["answers"])[1].tolist()}
    else:
        batch, k = command["batch"], command["k"]
        batches = len(queries) // batch
        started, cpu = time.perf_counter(), time.process_time()
        for call in range(command["calls"]):
            first = call % batches * batch
            index.search(queries[first : first + batch], k)
        reply = {"seconds": time.perf_counter() - started, "cpuSeconds": time.process_time() - cpu}
    print(json.dumps(reply), flush=True)
