"""How long each part of a measurement took."""

import time


class Clock:
    """Wall-clock seconds of each part."""

    def __init__(self):
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Book the time since the last lap under this name."""
        now = time.perf_counter()
        self.laps[name], self._last = round(now - self._last, 3), now
