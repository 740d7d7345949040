"""When a worker asks for more jobs ahead, and when for fewer; the same as src/worker-node/credit.test.ts."""

import random
import unittest

from marina_worker.credit import Credit


class CreditTest(unittest.TestCase):
    def test_a_worker_begins_with_one_batch_running_and_one_ahead(self):
        self.assertEqual(Credit(4).jobs, 8)

    def test_a_quick_handler_gets_a_millisecond_of_work_ahead_and_at_most_31_batches(self):
        quick = Credit(4)
        self.assertTrue(quick.took(0.0001))
        self.assertEqual(quick.jobs, 4 * 11)
        quickest = Credit(1)
        quickest.took(0.000001)
        self.assertEqual(quickest.jobs, 32)

    def test_one_slow_batch_takes_all_of_it_back_at_once_and_quick_ones_bring_it_again_by_and_by(self):
        credit = Credit(1)
        credit.took(0.00001)
        self.assertTrue(credit.took(0.5))
        self.assertEqual(credit.jobs, 2)
        self.assertEqual([credit.took(0.00001) for _ in range(3)], [False, False, False])
        for _ in range(200):
            credit.took(0.00001)
        self.assertGreater(credit.jobs, 16)

    def test_whatever_the_times_at_least_one_batch_is_ahead_and_at_most_31(self):
        numbers = random.Random(7)
        for size in (1, 3, 64):
            credit = Credit(size)
            for _ in range(2000):
                credit.took(numbers.choice([0, 1e-9, 1e-5, 1e-3, 10]) * numbers.random())
                self.assertTrue(2 * size <= credit.jobs <= 32 * size)


if __name__ == "__main__":
    unittest.main()
