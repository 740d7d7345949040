"""The program inside a Python worker process: it speaks docs/protocol.md on file descriptor 3, with the standard library
alone, and runs one model's handler. `ts`, beside it, is what handlers import."""
