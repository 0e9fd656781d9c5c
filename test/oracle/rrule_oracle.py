#!/usr/bin/python3
"""Compares the engine with python-dateutil over seeded random rules, in wall time.

Usage: rrule_oracle.py <path of rrule_cli> [number of rules] [seed]

Both expand the same rules; every difference is printed, the last line counts them, the exit status tells whether
there was none. Rules whose meaning dateutil reads differently from RFC 5545 and the project's policies are not
generated, or are named in KNOWN with the reason, and counted as excluded.
"""
import datetime
import random
import signal
import subprocess
import sys
import types
import warnings

import dateutil.rrule
from dateutil.rrule import rrulestr

warnings.simplefilter("ignore")

FREQS = ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
TAKE = 40
PATIENCE = 0.5


def pick(rng, values, most):
    return ",".join(str(v) for v in rng.sample(values, rng.randint(1, min(most, len(values)))))


def signed(most):
    return [v for v in range(-most, most + 1) if v]


def random_rule(rng):
    """A rule as a dictionary of parts, always one that RFC 5545 allows."""
    freq = rng.choices(FREQS, [1, 1, 3, 4, 4, 6, 6])[0]
    rule = {"FREQ": freq}
    if rng.random() < 0.5:
        rule["INTERVAL"] = str(rng.choice([2, 3, 4, 5, 6, 7, 11, 12, 13, 24, 36, 48, 60, 90, 100]))
    if rng.random() < 0.35:
        rule["BYMONTH"] = pick(rng, list(range(1, 13)), 4)
    if freq == "YEARLY" and rng.random() < 0.25:
        rule["BYWEEKNO"] = pick(rng, signed(53), 3)
    if freq not in ("DAILY", "WEEKLY", "MONTHLY") and rng.random() < 0.25:
        rule["BYYEARDAY"] = pick(rng, signed(366) + [1, -1, 59, 60, 366, -366], 5)
    if freq != "WEEKLY" and rng.random() < 0.3:
        rule["BYMONTHDAY"] = pick(rng, signed(31), 5)
    if rng.random() < 0.4:
        days = rng.sample(DAYS, rng.randint(1, 4))
        if freq in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in rule and rng.random() < 0.6:
            most = 5 if freq == "MONTHLY" or "BYMONTH" in rule else 53
            days = [(str(rng.choice(signed(most))) if rng.random() < 0.7 else "") + d for d in days]
        rule["BYDAY"] = ",".join(days)
    if rng.random() < 0.25:
        rule["BYHOUR"] = pick(rng, list(range(24)), 3)
    if rng.random() < 0.25:
        rule["BYMINUTE"] = pick(rng, list(range(60)), 3)
    if rng.random() < 0.25:
        rule["BYSECOND"] = pick(rng, list(range(60)), 3)
    if rng.random() < 0.3 and any(k.startswith("BY") for k in rule):
        rule["BYSETPOS"] = pick(rng, signed(rng.choice([3, 10, 366])), 3)
    if rng.random() < 0.3:
        rule["WKST"] = rng.choice(DAYS)
    if rng.random() < 0.2:
        rule["COUNT"] = str(rng.randint(1, 30))
    return rule


def known(rule):
    """Why dateutil's answer is no measure for this rule, or None."""
    ordinals = [bool(day[:-2]) for day in rule.get("BYDAY", "").split(",")]
    if "BYWEEKNO" in rule and not {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & rule.keys():
        return "BYWEEKNO alone: dateutil takes every day of the week, the RFC DTSTART's weekday"
    if "BYWEEKNO" in rule and int(rule.get("INTERVAL", 1)) > 1:
        return "BYWEEKNO with INTERVAL: dateutil counts calendar years and cuts weeks at New Year"
    if "BYWEEKNO" in rule and "BYSETPOS" in rule:
        return "BYWEEKNO with BYSETPOS: dateutil's set is the calendar year, cut at New Year"
    if "BYSETPOS" in rule and rule["FREQ"] == "WEEKLY":
        return "WEEKLY with BYSETPOS: dateutil's first set begins at DTSTART, not with the week"
    if any(ordinals) and not all(ordinals):
        return "BYDAY with and without ordinals: dateutil intersects the two kinds, the RFC unites them"
    return None


def text_of(rule, rng):
    parts = list(rule.items())
    rng.shuffle(parts)
    return ";".join(f"{name}={value}" for name, value in parts)


class TooSlow(Exception):
    """dateutil takes too long over a rule."""


def give_up(_signal, _frame):
    raise TooSlow


def dateutil_answer(text, start, end):
    # dateutil looks for the next instance up to the last year there is; it need not look beyond `end`.
    shim = types.SimpleNamespace(**{name: getattr(datetime, name) for name in dir(datetime) if name[0] != "_"})
    shim.MAXYEAR = end.year
    dateutil.rrule.datetime = shim
    found = []
    rule = rrulestr(text, dtstart=start)
    for moment in rule:
        if moment >= end or len(found) == TAKE:
            break
        found.append(moment.strftime("%Y%m%dT%H%M%S"))
    return " ".join(found)


def horizon(rule, start):
    """Bounds what dateutil, which steps through every candidate, has to look at."""
    days = {"SECONDLY": 800, "MINUTELY": 1500, "HOURLY": 3000, "DAILY": 9000}.get(rule["FREQ"], 15000)
    return start + datetime.timedelta(days=days)


def main():
    cli = sys.argv[1]
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 20000101)
    cases, excluded = [], {}
    while len(cases) < wanted:
        start = datetime.datetime(rng.choice([1997, 2000, 2019, 2020, 2023, 2024, 2026]), rng.randint(1, 12),
                                  rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59))
        if rng.random() < 0.15:
            start = start.replace(month=rng.choice([1, 3, 5, 7, 8, 10, 12]), day=rng.choice([29, 30, 31]))
        rule = random_rule(rng)
        reason = known(rule)
        if reason:
            excluded[reason] = excluded.get(reason, 0) + 1
            continue
        end = horizon(rule, start)
        cases.append((text_of(rule, rng), start, end))
    lines = "".join(f"{text}\t{start:%Y%m%dT%H%M%S}\t-\t-\t{end:%Y%m%dT%H%M%S}\t{TAKE}\n" for text, start, end in cases)
    answers = subprocess.run([cli], input=lines, capture_output=True, text=True, check=True).stdout.split("\n")
    differ = compared = empty = 0
    signal.signal(signal.SIGALRM, give_up)
    for (text, start, end), ours in zip(cases, answers):
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        try:
            theirs = dateutil_answer(text, start, end)
        except ValueError as error:
            # dateutil finds out by itself that a grid never meets its limits, and refuses instead of answering "none".
            theirs = "" if str(error).startswith("Invalid ") else f"error: {error}"
        except TooSlow:
            reason = f"dateutil takes more than {PATIENCE} s"
            excluded[reason] = excluded.get(reason, 0) + 1
            continue
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        compared += 1
        empty += not theirs
        if ours != theirs:
            differ += 1
            print(f"DTSTART:{start:%Y%m%dT%H%M%S} {text}\n  ours   {ours[:200]}\n  theirs {theirs[:200]}")
    for reason, times in sorted(excluded.items()):
        print(f"excluded {times}: {reason}")
    print(f"{empty} of them without an instance")
    print(f"oracle: {compared} rules compared, {differ} differ")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
