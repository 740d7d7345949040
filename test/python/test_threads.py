"""Native code gets the threads of the plan, whatever its libraries are called."""

import os
import types
import unittest
from unittest import mock

from marina_worker import threads

# Files, and the functions in them: Debian's, and those of the wheels of numpy 1.24 and 2.0, scipy 1.11 and 1.14.
LIBRARIES = {
    "/usr/lib/libgomp.so.1": "omp_set_num_threads",
    "/usr/lib/libopenblas.so.0": "openblas_set_num_threads",
    "/numpy.libs/libopenblas64_p-r0-15028c96.3.21.so": "openblas_set_num_threads64_",
    "/numpy.libs/libscipy_openblas64_-99b71e71.so": "scipy_openblas_set_num_threads64_",
    "/scipy.libs/libopenblasp-r0-23e5df77.3.21.dev.so": "openblas_set_num_threads",
    "/scipy.libs/libscipy_openblas-c128ec02.so": "scipy_openblas_set_num_threads",
}
GONE = "/usr/lib/libgomp.so.2 (deleted)"


class SetThreads(unittest.TestCase):
    def test_sets_those_of_each_library_that_can_still_be_opened(self):
        told = {}

        def opened(path):
            if path == GONE:
                raise OSError("no such file")
            return types.SimpleNamespace(**{LIBRARIES[path]: lambda count: told.update({path: count})})

        loaded = [GONE, "/usr/lib/libc.so.6", *LIBRARIES]
        with mock.patch.object(threads, "_loaded_libraries", return_value=loaded), mock.patch.object(
            threads.ctypes, "CDLL", opened
        ), mock.patch.dict(os.environ), mock.patch.dict("sys.modules", torch=None):
            threads.set_threads(3)
            self.assertEqual(os.environ["OMP_NUM_THREADS"], "3")
        self.assertEqual(told, dict.fromkeys(LIBRARIES, 3))


if __name__ == "__main__":
    unittest.main()
