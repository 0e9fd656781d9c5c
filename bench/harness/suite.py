"""A run of benchmarks: what was measured, against which target, and what was left out."""
import statistics
import sys
import time


class Spread:
    """A median with the quartiles around it."""

    def __init__(self, values):
        ordered = sorted(values)
        self.values = list(values)
        self.median = statistics.median(ordered)
        if len(ordered) >= 4:
            self.low, _, self.high = statistics.quantiles(ordered, n=4)
        else:
            self.low, self.high = ordered[0], ordered[-1]

    def as_json(self):
        return {"median": self.median, "low": self.low, "high": self.high, "values": self.values}


class Suite:
    """Collects lines, peers that are absent, and curves to plot."""

    def __init__(self, options):
        self.options = options
        self.lines, self.skipped, self.plots, self.notes = [], [], [], []
        self.failures = []
        self.group = ""
        self.began = time.monotonic()

    @property
    def smoke(self):
        return self.options.smoke

    def size(self, full, smoke):
        """How much: a full run's, or that of the smoke."""
        return smoke if self.smoke else full

    @property
    def rounds(self):
        return 1 if self.smoke else self.options.rounds

    @property
    def seconds(self):
        return 1 if self.smoke else self.options.seconds

    def say(self, text):
        print(f"== {time.monotonic() - self.began:4.0f}s  {self.group}: {text}", file=sys.stderr, flush=True)

    def skip(self, what, why):
        self.say(f"skipped: {what} ({why})")
        self.skipped.append({"benchmark": self.group, "what": what, "why": why})

    def same(self, what, ours, theirs):
        """Both sides return the same, or nothing is measured."""
        if ours != theirs:
            from .database import Failed
            raise Failed(f"{what}: the two sides differ: {str(ours)[:300]} and {str(theirs)[:300]}")

    def interleave(self, variants, rounds=None):
        """Calls each variant in turn, again and again; name -> Spreads by key of what the calls return.

        variants: name -> function that returns a dict of numbers. Every second round goes through them backwards.
        """
        got = {name: [] for name in variants}
        for number in range(rounds or self.rounds):
            order = list(variants) if number % 2 == 0 else list(reversed(variants))
            for name in order:
                got[name].append(variants[name]())
        return Measured(got)

    def line(self, name, measured, target, limit, better, ours="", theirs="", note="", unit="x"):
        """One line of the table. measured: Spread or number; better: 'less' or 'more'; limit: the target as a number."""
        spread = measured if isinstance(measured, Spread) else Spread([float(measured)])
        met = spread.median <= limit if better == "less" else spread.median >= limit
        self.lines.append({"benchmark": self.group, "line": name, "target": target, "limit": limit, "better": better, "unit": unit,
                           "measured": spread.as_json(), "met": met, "ours": ours, "theirs": theirs, "note": note})
        self.say(f"{name}: {number(spread.median)}{unit} ({number(spread.low)} to {number(spread.high)}), target {target}: {'met' if met else 'MISSED'}; ours {ours}, theirs {theirs}{'; ' + note if note else ''}")

    def fact(self, name, measured, ours="", theirs="", note="", unit="x"):
        """A figure beside the targets: shown, not judged."""
        spread = measured if isinstance(measured, Spread) else Spread([float(measured)])
        self.lines.append({"benchmark": self.group, "line": name, "target": "", "limit": None, "better": "", "unit": unit,
                           "measured": spread.as_json(), "met": None, "ours": ours, "theirs": theirs, "note": note})
        self.say(f"{name}: {number(spread.median)}{unit}; ours {ours}, theirs {theirs}{'; ' + note if note else ''}")

    def plot(self, name, title, x_label, y_label, curves):
        """curves: label -> list of (x, y)."""
        self.plots.append({"name": name, "title": title, "x": x_label, "y": y_label, "curves": curves})


class Measured:
    """What the variants of interleaved rounds gave."""

    def __init__(self, got):
        self.got = got

    def spread(self, name, key="cpu"):
        return Spread([one[key] for one in self.got[name]])

    def ratio(self, above, below, key="cpu"):
        """The quotient of two variants round by round: neighbours in time are compared, not ends of the run."""
        return Spread([a[key] / b[key] for a, b in zip(self.got[above], self.got[below])])


def number(value):
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.095 else f"{value:.3f}"


def duration(nanoseconds):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{number(nanoseconds / size)} {unit}"
    return f"{number(nanoseconds)} ns"
