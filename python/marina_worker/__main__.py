"""Starts a Python worker. What is imported here comes before user code has a place on the import path."""

import os
import sys

# Not in a process that the handler spawned by multiprocessing: that one imports this file again, under another name.
if __name__ == "__main__":
    modules = set(sys.modules)
    here = os.path.dirname(os.path.abspath(__file__))
    library = os.path.dirname(here)
    user_path = [path for path in sys.path if os.path.abspath(path) != here]
    # What PYTHONPATH names is user code's (the server's own folders, the model's): a file there must not stand in for a
    # module that this worker imports.
    foreign = {os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    sys.path[:] = [library] + [path for path in user_path if os.path.abspath(path) not in foreign]

    from marina_worker.load import Origin
    from marina_worker.worker import run

    is_parent = sys.argv[1:] == ["--parent"]
    del sys.argv[1:]
    run(Origin(user_path if library in user_path else [*user_path, library], modules), is_parent)
