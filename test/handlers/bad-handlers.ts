/** The handlers of the bad-input tests: each word of a request is one way to misbehave. */

/** Serves well: what its neighbours do must not show here. */
export const GOOD = `
def handle(data, context):
    return [b"good " + bytes(row["body"]) for row in data] if data else None
`

/** Does what the body says; "ok…" is answered. */
export const BAD = `
import ctypes, os, signal, sys, threading, time

kept = []

def forks_and_sleeps():
    if os.fork() == 0:
        time.sleep(100000)

def forks_and_comes_back():
    os.fork()

def prints():
    line = "x" * 1023
    for _ in range(1024 * int(os.environ["PRINTED_MB"])):
        print(line)

def writes_to_1():
    os.write(1, b"\\x00\\xff\\xfe no line" * 1000)
    os.write(1, b"[METRICS]\\n[METRICS]x.y:z|#a\\n")

def closes_output():
    sys.stdout.close()
    sys.stderr.close()
    os.close(1)
    os.close(2)

def leaks():
    kept.append(bytearray(1 << 20))
    kept.extend(open(os.devnull) for _ in range(200))
    kept.append(threading.Thread(target=time.sleep, args=(100000,)))
    kept[-1].start()

def changes_directory():
    os.chdir("/")

def catches_everything():
    while True:
        try:
            time.sleep(0.1)
        except BaseException:
            pass

def ignores_signals():
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)

def spins():
    while True:
        pass

def needs_what_is_missing():
    import not_installed_anywhere

def raises(error):
    raise error

ACTS = {
    "raise": lambda: raises(ValueError("bad row")),
    "base exception": lambda: raises(BaseException("of no kind")),
    "interrupt": lambda: raises(KeyboardInterrupt()),
    "exit": lambda: sys.exit("no licence"),
    "hard exit": lambda: os._exit(7),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "crash": lambda: ctypes.string_at(0),
    "fork and sleep": forks_and_sleeps,
    "fork and come back": forks_and_comes_back,
    "print": prints,
    "write to 1": writes_to_1,
    "close output": closes_output,
    "leak": leaks,
    "change directory": changes_directory,
    "catch everything": catches_everything,
    "ignore signals": ignores_signals,
    "spin": spins,
    "sleep": lambda: time.sleep(100000),
    "missing module": needs_what_is_missing,
}
VALUES = {"object": object(), "tuple": (1,), "set": {1}}
WHOLE = {"too few": [], "too many": ["a"] * 99, "nothing": None, "generator": (x for x in "a")}

def handle(data, context):
    if data is None:
        return None
    words = [bytes(row["body"]).decode() for row in data]
    for word in words:
        if word in ACTS: ACTS[word]()
        if word in WHOLE: return WHOLE[word]
    return [VALUES.get(word, "answer to " + word) for word in words]
`

/** Handlers that never come to serve. */
export const NEVER_LOADED: Readonly<Record<string, string>> = {
  'raises-at-import': 'raise ValueError("no weights")',
  'raises-in-initialize': `
class Service:
    def initialize(self, context): raise KeyError("weights")
    def handle(self, data, context): return data
`,
  'needs-a-missing-module': 'import not_installed_anywhere',
  'exits-at-import': 'import sys; sys.exit(3)',
  'is-killed-at-import': 'import os; os.kill(os.getpid(), 9)',
  'forks-at-import':
    'import os, time\nif os.fork() == 0: time.sleep(100000)\nraise ValueError("after a fork")',
  'catches-everything-at-import': `
import time
while True:
    try: time.sleep(0.1)
    except BaseException: pass
`,
}
