"""The folder of a case: its input files, made the same way for the original and for Marina, and what it holds later.

    python3 folders.py make ROOT < cases.json     ROOT/0, ROOT/1 …, each with work/ (input files) and tmp/
    python3 folders.py read ROOT                  prints a JSON list: what each case left in its work/

Archives are read by Python's own zipfile and tarfile. A member is one line, `name mode method hash`; the hash is the
start of its SHA-256. Manifests stand apart as text, with the time of packing replaced by a word.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

MANIFEST = "MAR-INF/MANIFEST.json"
CREATED_ON = re.compile(r'("createdOn": )"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d"')
Entry = tuple[str, str, bytes]


def make(case: dict, root: Path) -> Path:
    """Makes `root` with the input files of `case` in `work/`; answers with `work/`, links resolved."""
    shutil.rmtree(root, ignore_errors=True)
    for name in ("work", "tmp"):
        (root / name).mkdir(parents=True)
        # A case may run under another user than root, who has to write here.
        (root / name).chmod(0o777)
    root.chmod(0o755)
    for entry in case["files"]:
        add_input(root, entry)
    (root / "before.json").write_text(json.dumps(contents(root / "work")))
    return (root / "work").resolve()


def add_input(root: Path, entry: str | dict) -> None:
    """A text is a file that holds its own name (or a folder, ending in a slash); an object says what else it is."""
    entry = {"path": entry} if isinstance(entry, str) else entry
    place = entry["path"].replace("{tmp}", "../tmp")
    path = root / "work" / place
    if place.endswith("/"):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(int(entry.get("mode", "755"), 8))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if "link" in entry:
        path.symlink_to(entry["link"].replace("{tmp}", str(root / "tmp")))
    elif entry.get("pipe"):
        os.mkfifo(path)
    else:
        path.write_text(entry.get("text", entry["path"] + "\n"))
        path.chmod(int(entry.get("mode", "644"), 8))
        if "modified" in entry:
            os.utime(path, (entry["modified"], entry["modified"]))


def read(root: Path) -> dict:
    """Archives and files in `work/` that are new or of other content than `make` gave them, by name."""
    work = root / "work"
    before, after = json.loads((root / "before.json").read_text()), contents(work)
    loose, found = [], {}
    for name in sorted(name for name in after if before.get(name) != after[name]):
        if name.endswith(".mar") and zipfile.is_zipfile(work / name):
            found[name] = zip_members(work / name)
        elif name.endswith(".tar.gz") and tarfile.is_tarfile(work / name):
            found[name] = tar_members(work / name)
        else:
            loose.append(name)
    if loose:
        found["files"] = loose_files(work, loose)
    if set(before) - set(after):
        found["gone"] = sorted(set(before) - set(after))
    return found


def contents(folder: Path) -> dict[str, str]:
    """Name of each file and link below `folder` -> hash of what it holds."""
    paths = [Path(at, name) for at, folders, files in os.walk(folder) for name in [*files, *folders]]
    plain = [path for path in paths if path.is_symlink() or path.is_file()]
    return {str(path.relative_to(folder)): digest(body_of(path)) for path in plain}


def body_of(path: Path) -> bytes:
    return os.readlink(path).encode() if path.is_symlink() else path.read_bytes()


def zip_members(path: Path) -> dict:
    methods = {zipfile.ZIP_DEFLATED: "deflated", zipfile.ZIP_STORED: "stored"}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        entries = [
            (info.filename, f"{mode_text(info.external_attr >> 16)} {methods[info.compress_type]}", archive.read(info))
            for info in archive.infolist()
        ]
    return described(entries, MANIFEST)


def tar_members(path: Path) -> dict:
    entries = []
    with tarfile.open(path, "r:gz") as archive:
        for info in archive.getmembers():
            body = archive.extractfile(info)
            entries.append((info.name, mode_text(info.mode), body.read() if body else b""))
    return described(entries, f"{entries[-1][0].split('/')[0]}/{MANIFEST}")


def loose_files(work: Path, names: list[str]) -> dict:
    entries = [(name, mode_text((work / name).lstat().st_mode), body_of(work / name)) for name in names]
    manifests = [name for name in names if name.endswith(MANIFEST)]
    return described(entries, manifests[-1] if manifests else "")


def mode_text(mode: int) -> str:
    return f"{mode & 0o777:o}"


def described(entries: list[Entry], manifest: str) -> dict:
    """The order of members is that of the machine's folders, so they are sorted; only the manifest's place is kept."""
    members = sorted(" ".join([name, how, digest(body)]) for name, how, body in entries if name != manifest)
    texts = [body.decode() for name, _, body in entries if name == manifest]
    result: dict = {"members": members}
    if texts:
        result["manifest"] = CREATED_ON.sub(r'\1"{time}"', texts[-1]).split("\n")
        result["manifestAt"] = "end" if entries[-1][0] == manifest and len(texts) == 1 else "elsewhere"
    return result


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


if __name__ == "__main__":
    action, root = sys.argv[1], Path(sys.argv[2])
    if action == "make":
        for number, case in enumerate(json.load(sys.stdin)):
            make(case, root / str(number))
    else:
        numbers = sorted((int(path.name) for path in root.iterdir()), key=int)
        json.dump([read(root / str(number)) for number in numbers], sys.stdout)
