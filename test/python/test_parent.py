"""How a preloaded parent ends whose server is gone; src/worker/preloading.test.ts has the rest of its life."""

import signal
import socket
import unittest
from unittest import mock

from marina_worker.parent import Parent, read_line


class Ended(Exception):
    """In the place of the end of this process."""


@mock.patch("marina_worker.parent.end_without_server", side_effect=Ended)
class ServerThatIsGone(unittest.TestCase):
    def assert_ends(self, read):
        """With something that the server has not read, the next read is an error (ECONNRESET), not the end of the stream."""
        for unread in (b"", b"a line"):
            with self.subTest(unread=unread):
                server, control = socket.socketpair()
                with control:
                    control.sendall(unread)
                    server.close()
                    self.assertRaises(Ended, read, control)

    def test_ends_a_parent_that_waits_for_what_to_load(self, _):
        self.assert_ends(read_line)

    def test_ends_a_parent_that_waits_for_wishes(self, _):
        self.addCleanup(signal.signal, signal.SIGCHLD, signal.getsignal(signal.SIGCHLD))
        self.addCleanup(signal.set_wakeup_fd, -1)
        self.assert_ends(lambda control: Parent(control).wait())


if __name__ == "__main__":
    unittest.main()
