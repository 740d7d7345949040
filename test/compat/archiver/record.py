"""Records what torch-model-archiver 0.12.0 does with the command lines of cases.py, into recorded.json.

    python3 record.py                 records all (needs network once: pip installs the original into a folder of its own)
    python3 record.py --check [N]     records N (ten) cases at random again and compares them with recorded.json

The original is called by its absolute path, each time in a fresh folder. Of a traceback only the first and the last
line are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import folders
from cases import cases

VERSION = "0.12.0"
PYTHON = "/usr/bin/python3"
HERE = Path(__file__).resolve().parent
RECORDED = HERE / "recorded.json"
NOBODY = 65534


def original() -> Path:
    """The original's command, installed on first use; fails when it is of another version."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path(tempfile.gettempdir(), f"marina-compat-{os.getuid()}"))
    venv = cache / f"torch-model-archiver-{VERSION}"
    command = venv / "bin/torch-model-archiver"
    if not command.exists():
        cache.mkdir(parents=True, exist_ok=True)
        cache.chmod(0o755)  # cases without root's rights run it too
        subprocess.run([PYTHON, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "--quiet", f"torch-model-archiver=={VERSION}"], check=True)
    ask = "import model_archiver; print(model_archiver.__version__)"
    found = subprocess.run([venv / "bin/python", "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
    assert found == VERSION, f"{command} is version {found}, not {VERSION}"
    return command


def help_of(command: Path) -> str:
    """The help text of 80 columns, which is stored once; its first paragraph is the usage."""
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "80"}
    done = subprocess.run([command, "--help"], env=environment, check=True, capture_output=True, text=True)
    return without_sentences(done.stdout)


def record(case: dict, command: Path, root: Path, help_text: str) -> dict:
    work = folders.make(case, root)
    tmp = (root / "tmp").resolve()
    filled = [word.replace("{work}", str(work)).replace("{tmp}", str(tmp)) for word in case["words"]]
    as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if case.get("user") and os.getuid() == 0 else {}
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp), "COLUMNS": "80", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    done = subprocess.run([command, *filled], cwd=work, env={**environment, **case.get("env", {})}, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=60, **as_user)
    clean = lambda text: text.replace(str(work), "{work}").replace(str(tmp), "{tmp}")
    environment_words = "".join(f"{key}={value} " for key, value in case.get("env", {}).items())
    return {
        "title": case["title"],
        "command": f"{environment_words}torch-model-archiver {shlex.join(case['words'])}".strip(),
        **case,
        "exit": done.returncode,
        "stdout": without_sentences(clean(done.stdout)).replace(help_text, "{help}").split("\n"),
        "stderr": without_frames(clean(done.stderr)).replace(usage_of(help_text), "{usage}").split("\n"),
        "made": folders.read(root),
    }


def without_sentences(text: str) -> str:
    """Of a help text the usage and the options: what they are for is said in words of our own."""
    usage, _, rest = text.partition("\n\n")
    _, heading, options = rest.partition("options:\n")
    if not heading:
        return text
    names = re.findall(r"^  -.*?(?=\s{2,}\S|$)", options, re.MULTILINE)
    return "\n".join([usage, "", "options:", *names, ""])


def usage_of(help_text: str) -> str:
    return help_text.split("\n\n")[0] + "\n"


def without_frames(text: str) -> str:
    """Drops the indented lines between a traceback's head and the exception, and chained tracebacks before the last."""
    head = "Traceback (most recent call last):\n"
    chained = re.compile(r"Traceback \(most recent call last\):\n(?:(?!Traceback).*\n)*\n"
                         r"(?:During handling of the above exception|The above exception was the direct cause).*\n\n")
    return re.sub(re.escape(head) + r"(?: .*\n)*", head, chained.sub("", text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", nargs="?", type=int, const=10, metavar="N")
    check = parser.parse_args().check
    titles = [case["title"] for case in cases]
    assert len(titles) == len(set(titles)), sorted(title for title in titles if titles.count(title) > 1)
    command = original()
    chosen = cases if check is None else random.sample(cases, min(check, len(cases)))
    with tempfile.TemporaryDirectory(prefix="marina-record-") as name:
        Path(name).chmod(0o755)
        help_text = help_of(command)
        results = [record(case, command, Path(name) / "case", help_text) for case in chosen]
    if check is None:
        RECORDED.write_text(encode(results, help_text))
        print(f"{len(results)} cases recorded in {RECORDED.name}")
    else:
        compare(results)


def encode(results: list[dict], help_text: str) -> str:
    """A few lines for each case."""
    python = subprocess.run([PYTHON, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    original = f"torch-model-archiver {VERSION}, {python}"
    head = {"original": original, "usage": usage_of(help_text).split("\n"), "help": help_text.split("\n")}
    lines = [f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()]
    return "{\n" + "".join(lines) + ' "cases": [\n' + ",\n".join(map(encode_case, results)) + "\n ]\n}\n"


def encode_case(case: dict) -> str:
    one_line = lambda value: json.dumps(value, ensure_ascii=False)
    fields = [f"{one_line(key)}: {one_line(value)}" for key, value in case.items() if key != "made"]
    made = [f"  {one_line(name)}: {one_line(what)}" for name, what in case["made"].items()]
    fields.append('"made": {' + (",".join("\n   " + line for line in made) + "\n  }" if made else "}"))
    return "  {" + ",\n   ".join(fields) + "}"


def compare(results: list[dict]) -> None:
    stored = {case["title"]: case for case in json.loads(RECORDED.read_text())["cases"]}
    different = [result for result in results if stored.get(result["title"]) != json.loads(json.dumps(result))]
    for result in results:
        print(f"{'DIFFERENT' if result in different else 'equal':10}{result['command'][:100]}")
    for result in different:
        print(f"recorded: {json.dumps(stored.get(result['title']))}\nnow:      {json.dumps(result)}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
