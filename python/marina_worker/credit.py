"""How many jobs a worker holds at once: the batch that runs and at least one ahead. A handler that is quicker than the way
between server and worker gets about a millisecond's work ahead, so that both sides move several jobs with each system call.
`src/worker-node/credit.ts` is the same for Node workers."""

from __future__ import annotations

from typing import Optional

AHEAD_S = 0.001
MOST_AHEAD = 31
# Weight of the newest batch in the mean.
NEWEST = 1 / 8


class Credit:
    """The credit of one worker."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._mean_s: Optional[float] = None
        self._ahead = 1

    @property
    def jobs(self) -> int:
        """As the server is to know it."""
        return (1 + self._ahead) * self._batch_size

    def took(self, seconds: float) -> bool:
        """Takes the time of a batch; True when the credit has changed. It falls at once and grows by the mean."""
        mean = seconds if self._mean_s is None else self._mean_s + (seconds - self._mean_s) * NEWEST
        self._mean_s = max(mean, seconds) if seconds > AHEAD_S else mean
        wanted = MOST_AHEAD if self._mean_s <= 0 else min(MOST_AHEAD, max(1, int(AHEAD_S / self._mean_s)))
        # By halves and doubles: a message for each batch would cost what it saves.
        if self._ahead / 2 < wanted < 2 * self._ahead:
            return False
        self._ahead = wanted
        return True
