"""The table on the terminal, results.json, and docs/benchmarks.md."""
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess

from . import plot
from .suite import number


def output_of(*command):
    try:
        return subprocess.run(command, text=True, capture_output=True, check=False).stdout.strip()
    except OSError:
        return ""


def machine():
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {"processor": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(),
            "memory_gib": round(int(memory.group(1)) / 2**20, 1) if memory else None, "kernel": platform.release(),
            "system": next((line.split("=", 1)[1].strip('"') for line in pathlib.Path("/etc/os-release").read_text().splitlines()
                            if line.startswith("PRETTY_NAME=")), "")}


def versions(psql):
    return {"postgresql": psql("postgres", "SHOW server_version"), "pg_clinic": re.search(r"default_version *= *'(.*)'", pathlib.Path("pg_clinic.control").read_text()).group(1),
            "compiler": output_of("g++", "--version").split("\n")[0], "openssl": output_of("openssl", "version")}


def verdict(line):
    return {None: "", True: "yes", False: "NO"}[line["met"]]


def measured(line):
    spread = line["measured"]
    unit = line["unit"]
    text = number(spread["median"]) + ("" if unit == "x" else " ") + unit
    if len(spread["values"]) > 1 and spread["low"] != spread["high"]:
        text += f" ({number(spread['low'])} to {number(spread['high'])})"
    return text


def table(suite):
    """Lines of text for a terminal."""
    rows = [("benchmark", "line", "target", "measured (quartiles)", "met", "ours", "theirs")]
    rows += [(line["benchmark"], line["line"], line["target"] or "-", measured(line), verdict(line), line["ours"], line["theirs"]) for line in suite.lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def as_json(suite, facts):
    return {**facts, "lines": suite.lines, "skipped": suite.skipped, "failures": suite.failures,
            "plots": [{**p, "curves": {k: list(v) for k, v in p["curves"].items()}} for p in suite.plots]}


def markdown(results):
    out = ["# Benchmarks", "",
           "Written by `make bench PUBLISH=1`; change the benchmarks under `bench/`, not this file.", "",
           "## How to repeat", "",
           "```sh", "make bench                 # all of it, some twenty minutes; the figures are in build/bench",
           "make bench ONLY=booking    # one benchmark, or several: ONLY=slots,audit",
           "make bench PUBLISH=1          # and writes this page anew", "```", "",
           "## This run", ""]
    m, v = results["machine"], results["versions"]
    out += [f"- {results['began'][:10]}, {m['system']}, {m['cores']} cores of {m['processor']}, {m['memory_gib']} GiB, Linux {m['kernel']}",
            f"- PostgreSQL {v['postgresql']}, pg_clinic {v['pg_clinic']}, {v['compiler']}, {v['openssl']}",
            f"- {results['rounds']} rounds, {results['seconds']} s each where pgbench runs; {round(results['took_seconds'] / 60)} minutes in all", "",
            "## Method", "",
            "A throw-away cluster (`bench/run` has its settings), data made from a seed, and ours beside what people write by hand or use instead, in",
            "one run. Before anything is measured both sides are asked for the same and must return the same rows. Rounds are interleaved: ours,",
            "theirs, theirs, ours and so on; a figure is the median of the ratios of neighbours, with the quartiles in brackets, so that what else the",
            "machine does falls on both. Times are those of the backend on a processor unless a line says otherwise: within a session by",
            "`/proc/self/schedstat`, around pgbench by what the ended backends used, less what connecting and the first transaction cost.",
            "TPS is what pgbench says, and on a busy machine the less reliable of the two. fsync is off but where a line says that it is on.",
            "The baselines are in `bench/baselines`, one file a benchmark in `bench/lines`.", "",
            "## Results", "",
            "A line without a target is shown for comparison. A target that is not met is a target still.", ""]
    seen = []
    for line in results["lines"]:
        if line["benchmark"] not in seen:
            seen.append(line["benchmark"])
            out += [f"### {line['benchmark'].replace('_', ' ').capitalize()}", "",
                    "| line | target | measured | met | ours | theirs |", "|---|---|---|---|---|---|"]
        out.append(f"| {line['line']} | {line['target']} | {measured(line)} | {verdict(line)} | {line['ours']} | {line['theirs']} |")
        following = [other for other in results["lines"] if other["benchmark"] == line["benchmark"]]
        if line is following[-1]:
            notes = [other for other in following if other["note"]]
            out += [""] + [f"- {other['line']}: {other['note']}" for other in notes] + ([""] if notes else [])
            out += [text for p in results["plots"] if p["benchmark"] == line["benchmark"] for text in (f"![{p['title']}](benchmarks/{p['name']}.svg)", "")]
    if results["skipped"]:
        out += ["## Not measured in this run", ""] + [f"- {one['benchmark']}: {one['what']} ({one['why']})" for one in results["skipped"]] + [""]
    return "\n".join(out).rstrip() + "\n"


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "benchmarks.md").write_text(markdown(results))
    plots = folder / "benchmarks"
    plots.mkdir(exist_ok=True)
    for old in plots.glob("*.svg"):
        old.unlink()
    for one in results["plots"]:
        drawing = plot.chart(one["title"], one["x"], one["y"], one["curves"])
        if drawing:
            (plots / f"{one['name']}.svg").write_text(drawing)


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
