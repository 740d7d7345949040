"""A handler of TorchServe's kind without a server: what is left is the limit of every server around it.

`bare_handler.py MODEL_DIR THREADS BATCH SECONDS BODY…` calls it in a loop on the bodies and prints
{"itemsPerSecond", "p50Ms", "cpuUs"}; `cpuUs` is that of one item.
"""

import json
import os
import sys
import time


def load(model_dir: str, threads: int):
    """Loads the archive's handler as a worker does; what it returns takes rows."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    sys.path[:0] = [os.path.abspath(model_dir), os.environ["MARINA_TS"]]
    os.chdir(model_dir)
    import importlib
    import types

    from ts.context import Context

    with open("MAR-INF/MANIFEST.json", encoding="utf-8") as file:
        manifest = json.load(file)
    silent = types.SimpleNamespace(add_time=lambda *_: None, request_ids=None)
    context = Context("embedding", os.getcwd(), manifest, 16, None, "0.12.0", metrics=silent, model_yaml_config={})
    handle = importlib.import_module(manifest["model"]["handler"].split(".")[0]).handle
    handle(None, context)

    from ts.context import RequestProcessor

    def call(rows):
        context.request_processor = [RequestProcessor({}) for _ in rows]
        return handle(rows, context)

    return call


def main() -> None:
    model_dir, threads, batch, seconds, *files = sys.argv[1:]
    bodies = [open(file, "rb").read() for file in files]
    call = load(model_dir, int(threads))
    loop(call, bodies, int(batch), 0.5)
    print(json.dumps(loop(call, bodies, int(batch), float(seconds))))


def loop(call, bodies, batch: int, lasting: float):
    times, at = [], 0
    begun, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < lasting:
        rows = [{"body": bytearray(bodies[(at + n) % len(bodies)])} for n in range(batch)]
        at += batch
        called = time.perf_counter()
        json.dumps(call(rows))
        times.append(time.perf_counter() - called)
    elapsed, used = time.perf_counter() - begun, time.process_time() - cpu
    middle = sorted(times)[len(times) // 2]
    return {"itemsPerSecond": at / elapsed, "p50Ms": 1000 * middle, "cpuUs": 1e6 * used / at}


if __name__ == "__main__":
    main()
