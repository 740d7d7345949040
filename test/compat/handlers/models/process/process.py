"""Tells where it runs, and with what."""
import logging
import os
import sys

import colorsys
import sibling
import utils
import context as own_context
import service as own_service
from package import inner
from package.inner import NAME

logging.basicConfig(level=logging.DEBUG, format="never: %(message)s")
logger = logging.getLogger(__name__)
with open("./notes.txt") as file:
    notes_at_import = file.read().strip()


def handle(data, context):
    if data is None:
        logger.info("said at load")
        return None
    return [ACTIONS[context.get_request_header(at, "X-Do")](context) for at in range(len(data))]


def relative(context, path):
    """A path as it can be compared."""
    model_dir = os.path.realpath(context.system_properties["model_dir"])
    path = os.path.realpath(path)
    return "MODEL" + path[len(model_dir):] if path.startswith(model_dir) else path


def folder(context):
    model_dir = context.system_properties["model_dir"]
    return {
        "same": os.path.realpath(os.getcwd()) == os.path.realpath(model_dir),
        "absolute": os.path.isabs(model_dir),
        "slash": model_dir.endswith("/"),
        "writable": os.access(model_dir, os.W_OK),
        "file": relative(context, __file__),
    }


def write(context):
    with open("written.txt", "w") as file:
        file.write("by the handler")
    with open(os.path.join(context.system_properties["model_dir"], "written.txt")) as file:
        return file.read()


def path(context):
    """From the import path: what comes before the model's folder, and what is not on it."""
    found = [relative(context, entry) for entry in sys.path]
    ts = os.path.dirname(sys.modules["ts"].__file__)
    return {"before": found[: found.index("MODEL")], "package itself": ts in found, "empty": "" in sys.path}


def environment(context):
    names = ("CASE_KEPT", "CASE_HIDDEN", "CASE_HIDDEN_NOT", "TS_DECODE_INPUT_REQUEST", "TS_IPEX_ENABLE", "TS_IPEX_GPU_ENABLE")
    return {name: os.environ.get(name) for name in names}


def output(context):
    print("printed to stdout", flush=True)
    print("several\nlines", flush=True)
    print("end of output", flush=True)
    return "printed"


def errors(context):
    print("printed to stderr", file=sys.stderr, flush=True)
    return "printed"


def logs(context):
    logger.debug("log at debug")
    logger.info("log at info")
    logger.warning("log at warning, %d", 1)
    logger.error("log at error")
    logging.getLogger("other.name").info("log of another name")
    try:
        raise ValueError("in a log")
    except ValueError:
        logger.exception("log with a trace")
    logger.info("log of\nseveral lines")
    logger.info("end of logs")
    return [logging.getLevelName(logging.getLogger().level), len(logging.getLogger().handlers)]


def child(context):
    import subprocess

    program = "import os; print('child', os.environ.get('CASE_KEPT'), flush=True)"
    own = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    subprocess.run([sys.executable, "-c", "print('end of child', flush=True)"], check=True)
    return own.stdout.decode()


def thread(context):
    import threading

    found = []
    worker = threading.Thread(target=lambda: found.append(threading.current_thread() is threading.main_thread()))
    worker.start()
    worker.join()
    return {"handler in main": threading.current_thread() is threading.main_thread(), "thread": found}


ACTIONS = {
    "folder": folder,
    "write": write,
    "path": path,
    "environment": environment,
    "output": output,
    "errors": errors,
    "logs": logs,
    "child": child,
    "thread": thread,
    "notes": lambda context: notes_at_import,
    "siblings": lambda context: [sibling.NAME, utils.NAME, NAME, inner.__name__, relative(context, inner.__file__)],
    "shadow": lambda context: [colorsys.NAME, relative(context, colorsys.__file__)],
    "own": lambda context: [own_context.NAME, own_service.NAME],
    "main": lambda context: [__name__, sys.modules["__main__"].__name__, "process" in sys.modules],
    "version": lambda context: [__import__("ts").__version__, context.system_properties["server_version"]],
    "list": lambda context: sorted(name for name in os.listdir(".") if not name.startswith(("__", "written"))),
}
