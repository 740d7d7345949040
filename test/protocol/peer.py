"""A worker in Python, as small as the protocol allows: the test's proof that another language can speak it.

    peer.py            on file descriptor 3: says hello, loads anything, answers each job with the bytes that it carried;
                       a body `slow` stays unstarted, `stream` is answered piece by piece, `fail` fails
    peer.py FILE ...   prints each stored frame as one line of JSON, with bodies in hexadecimal digits
"""

import json
import os
import socket
import sys

sys.dont_write_bytecode = True
import frames  # noqa: E402


class Peer:
    def __init__(self, connection):
        self.connection = connection
        self.reader = frames.frames.FrameReader(connection)
        self.waiting = []

    def send(self, kind, **fields):
        self.connection.sendall(frames.encode(frames.UP, {"kind": kind, **fields}))

    def run(self):
        """Answers until the server says stop, or is gone."""
        self.send("hello", version=1, pid=os.getpid(), runtime="python")
        while message := frames.read(frames.DOWN, self.reader):
            kind = message["kind"]
            if kind == "load":
                self.send("log", level="info", message=f"loading {message['model']} {message['version']}")
                self.send("loaded", credit=2 * message["batchSize"])
            elif kind == "jobs":
                self.take(message)
            elif kind == "cancel":
                self.hand_back(message["keys"])
            elif kind == "stop":
                self.hand_back([job["key"] for job in self.waiting])
                return

    def take(self, message):
        ready = [job for job in message["jobs"] if data_of(job) != b"slow"]
        self.waiting += [job for job in message["jobs"] if job not in ready]
        if not message["start"] and ready:
            self.send("started", keys=[job["key"] for job in ready])
        for job in ready:
            self.answer(job, batch=len(ready))

    def hand_back(self, keys):
        back = [job["key"] for job in self.waiting if job["key"] in keys]
        self.waiting = [job for job in self.waiting if job["key"] not in back]
        if back:
            self.send("cancelled", keys=back)

    def answer(self, job, batch):
        key, data = job["key"], data_of(job)
        timing = {"preprocessUs": 0, "inferenceUs": 1, "postprocessUs": 0, "batch": batch}
        headers = {"x-request": job["id"], "x-operation": job["operation"], **job["headers"]}
        ok = {"kind": "ok", "status": 200, "headers": headers, "body": inline(data)}
        if data == b"fail":
            ok = {"kind": "failed", "reason": "rejected", "status": 422, "message": "told to fail: ü"}
        elif data == b"stream":
            self.send("chunk", key=key, head={"status": 200, "headers": headers}, body=inline(b"str"))
            self.send("chunk", key=key, body=inline(b"eam"))
            ok["body"] = inline(b"")
        self.send("result", key=key, timing=timing, outcome=ok)


def inline(data):
    return {"kind": "inline", "data": data}


def data_of(job):
    """The bytes that a job carries, one body after the other."""
    carried = job["input"].get("parts") or job["input"].get("tensors") or []
    return b"".join(bytes_of(item["body"]) for item in carried)


def bytes_of(body):
    if body["kind"] == "inline":
        return body["data"]
    with open(body["file"], "rb") as file:
        file.seek(body["offset"])
        return file.read(body["bytes"])


def main():
    for path in sys.argv[1:]:
        numbers = frames.DOWN if os.path.basename(path).startswith("down-") else frames.UP
        print(json.dumps(frames.shown(frames.read(numbers, frames.of_file(path)))))
    if len(sys.argv) == 1:
        Peer(socket.socket(fileno=3)).run()


main()
