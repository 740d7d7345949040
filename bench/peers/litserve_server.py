"""LitServe around a handler of TorchServe's kind: `litserve_server.py PORT BATCH [MODEL_DIR THREADS]`; without a model
the empty one."""

import base64
import os
import sys

import litserve
from fastapi import Response

PORT, BATCH = int(sys.argv[1]), int(sys.argv[2])
MODEL_DIR, THREADS = (sys.argv[3], int(sys.argv[4])) if len(sys.argv) > 4 else (None, 1)


class Handler(litserve.LitAPI):
    def setup(self, device):
        self.call = lambda rows: ["ok"] * len(rows)
        if MODEL_DIR:
            sys.path.insert(0, os.path.dirname(__file__))
            from bare_handler import load

            self.call = load(MODEL_DIR, THREADS)

    def decode_request(self, request):
        # It reads JSON and forms only: the picture comes as base64.
        return {"body": bytearray(base64.b64decode(request["data"]))}

    def batch(self, inputs):
        return inputs

    def unbatch(self, outputs):
        return outputs

    def predict(self, rows):
        return self.call(rows) if isinstance(rows, list) else self.call([rows])[0]

    def encode_response(self, output):
        return output if isinstance(output, dict) else Response(output)


if __name__ == "__main__":
    api = Handler(max_batch_size=BATCH, batch_timeout=0.005) if BATCH > 1 else Handler()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=PORT, generate_client_file=False, log_level="warning", access_log=False)
