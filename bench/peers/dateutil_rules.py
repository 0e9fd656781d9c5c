#!/usr/bin/env python3
"""Recurrence rules by python-dateutil: a job as of recurrence.mjs; prints the count and nanoseconds of each round."""
import datetime
import json
import sys
import time

from dateutil import rrule, tz

job = json.load(sys.stdin)
zone = tz.gettz(job["zone"])


def expand(rule, dtstart):
    made = rrule.rrulestr(rule, dtstart=datetime.datetime.strptime(dtstart, "%Y%m%dT%H%M%S").replace(tzinfo=zone), cache=False)
    if job["from"] is None:
        return sum(1 for _ in made)
    begin, end = (datetime.datetime.strptime(job[k], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=tz.UTC) for k in ("from", "until"))
    count = 0
    for at in made.xafter(begin - datetime.timedelta(microseconds=1)):
        if at >= end:
            break
        count += 1
    return count


for _ in range(job["rounds"]):
    began = time.process_time_ns()
    total = sum(expand(one["rule"], one["dtstart"]) for one in job["rules"])
    print(total, time.process_time_ns() - began)
