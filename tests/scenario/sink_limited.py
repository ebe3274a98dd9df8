"""A HubSpot that counts: no more than `limit` calls in any `window_s` seconds, wherever they begin.

    with LimitedSink() as sink:
        sink.limit = 100          from now on; None: no limit
        sink.limited              how many calls got a 429
        sink.most()               the most that any window saw
"""
import collections

from sinks import Answer, HttpSink


class LimitedSink(HttpSink):
    def __init__(self, window_s=10.0, **options):
        super().__init__(**options)
        self.window_s, self.limit, self.limited = window_s, None, 0
        self._arrived = collections.deque()

    def _act(self, request, path, tree):
        now = self.log[-1]["time"]
        while self._arrived and self._arrived[0] <= now - self.window_s:
            self._arrived.popleft()
        if self.limit is not None and len(self._arrived) >= self.limit:
            self.limited += 1
            return Answer(429, {"status": "error", "errorType": "RATE_LIMIT",
                                "policyName": "TEN_SECONDLY_ROLLING"})
        if self.limit is not None:
            self._arrived.append(now)
        return super()._act(request, path, tree)

    def most(self, since=0.0):
        times = [call["time"] for call in self.calls() if call["time"] >= since]
        first = most = 0
        for last, time in enumerate(times):
            while times[first] <= time - self.window_s:
                first += 1
            most = max(most, last - first + 1)
        return most
