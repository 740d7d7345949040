"""The other end of the echo, in Python: sends every frame back over the Unix socket that it inherits as descriptor 3."""

import socket

connection = socket.socket(fileno=3)
while True:
    data = connection.recv(65536)
    if not data:
        break
    connection.sendall(data)
