#!/usr/bin/env python3
"""Figures of hale beside the floor, a supervisor with nothing in it, taken in the same run, turn by turn.

    bench.py --hale PATH --tools DIR [--rounds N] [recovery] [fleet] [memory] [cpu]

Prints a line for each figure; asserts nothing. The children are statically linked and answer with their pid; the
stopwatch is in C. `hale` runs with its logs on and its start concurrency opened up; `floor` has no logs, no probes.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

FIRST_PORT = 21001
FLEET = 1000
MANY = 100


def free_block(count, beyond):
    """The first of `count` free ports in a row from `beyond` on, below those the kernel gives to clients."""
    for first in range(beyond, 32768 - count, count):
        with contextlib.ExitStack() as held:
            try:
                for port in range(first, first + count):
                    each = held.enter_context(contextlib.closing(socket.socket()))
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    each.bind(("127.0.0.1", port))
                return first
            except OSError:
                continue
    sys.exit("bench: no free ports")


class Fleet:
    """A supervisor with children on consecutive ports."""

    def __init__(self, bench, count):
        self.bench = bench
        self.first = free_block(count, bench.next_port)
        bench.next_port = self.first + count
        self.servers = [(port, 0) for port in range(self.first, self.first + count)]
        self.started_ns = time.monotonic_ns()
        self.process = subprocess.Popen(self.command(count), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def command(self, count):
        return [self.bench.tool("floor"), self.bench.tool("tiny_http"), str(self.first), str(count)]

    def answered(self, servers, *kill):
        """Nanoseconds until all of these answer; remembers their pids."""
        text = "".join(f"{port} {pid}\n" for port, pid in servers)
        watch = subprocess.run([self.bench.tool("answered"), str(self.started_ns), *kill], input=text,
                               stdout=subprocess.PIPE, text=True, check=False)
        if watch.returncode != 0:
            raise RuntimeError(f"not all of {len(servers)} servers answered")
        took, *lines = watch.stdout.splitlines()
        now = dict(tuple(map(int, line.split())) for line in lines)
        self.servers = [(port, now.get(port, pid)) for port, pid in self.servers]
        return int(took)

    def start(self):
        return self.answered(self.servers)

    def kill(self, count):
        return self.answered(self.servers[:count], "kill")

    def stop(self):
        start = time.monotonic_ns()
        self.process.terminate()
        self.process.wait(120)
        return time.monotonic_ns() - start

    def close(self):
        """Leaves nothing running, whatever happened."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for _, pid in self.servers:
            with contextlib.suppress(OSError):
                if pid and os.readlink(f"/proc/{pid}/exe") == self.bench.tool("tiny_http"):
                    os.kill(pid, signal.SIGKILL)


class HaleFleet(Fleet):
    health = '{ http = "/", interval = "5s" }'
    arguments = ["{port}"]

    def command(self, count):
        self.state = tempfile.mkdtemp(prefix="hale-bench-")
        command = json.dumps([self.bench.tool("tiny_http"), *self.arguments])
        health = f"health = {self.health}\n" if self.health else ""
        file = pathlib.Path(self.state, "bench.toml")
        file.write_text(f'[cluster]\nstart_concurrency = {count}\n[service.tiny]\ncommand = {command}\n'
                        f'instances = {count}\nbase_port = {self.first - 1}\nport_offset = 1\n{health}'
                        'restart = { base = "1ms", cap = "1ms", jitter = 0.0, attempts = 1000000, '
                        'reset_after = "200ms" }\n')
        return [self.bench.hale, "--state", self.state, "run", str(file)]

    def close(self):
        super().close()
        shutil.rmtree(self.state, ignore_errors=True)

    def restarts(self):
        answer = subprocess.run([self.bench.hale, "--state", self.state, "status", "--json"], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, check=False)
        if answer.returncode != 0:
            return 0
        return sum(each["restarts"] for service in json.loads(answer.stdout)["services"]
                   for each in service["instances"])


class UnprobedFleet(HaleFleet):
    health = None


class CrashingFleet(HaleFleet):
    health = None
    arguments = ["exit", "3"]


class ProbedFleet(HaleFleet):
    health = '{ http = "/", interval = "1s" }'


def pss_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", "rb") as stat:
        fields = stat.read().rsplit(b")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ratio_line(what, floor, hale, goal):
    """A line with the least and the median of both, in milliseconds."""
    lows, mids = [min(each) / 1e6 for each in (floor, hale)], [statistics.median(each) / 1e6 for each in (floor, hale)]
    print(f"{what:<44} floor {lows[0]:8.2f} {mids[0]:8.2f}   hale {lows[1]:8.2f} {mids[1]:8.2f} ms   "
          f"ratio {mids[1] / mids[0]:5.2f}   goal {goal}", flush=True)


def value_line(what, value, goal):
    print(f"{what:<44} {value}   goal {goal}", flush=True)


class Bench:
    def __init__(self, options):
        self.hale = os.path.abspath(options.hale)
        self.tools = os.path.abspath(options.tools)
        self.rounds = options.rounds
        self.next_port = FIRST_PORT

    def tool(self, name):
        return os.path.join(self.tools, name)

    @contextlib.contextmanager
    def fleet(self, kind, count):
        fleet = kind(self, count)
        try:
            yield fleet
        finally:
            fleet.close()
            self.next_port = FIRST_PORT

    def recovery(self):
        """One stable child is killed, again and again, in turns."""
        took = {Fleet: [], HaleFleet: []}
        with self.fleet(Fleet, 1) as floor, self.fleet(HaleFleet, 1) as hale:
            fleets = (floor, hale)
            for each in fleets:
                each.start()
            for turn in range(10 * self.rounds + 3):
                for each in fleets:
                    time.sleep(0.25)  # stable for longer than reset_after
                    nanoseconds = each.kill(1)
                    if turn >= 3:
                        took[type(each)].append(nanoseconds)
        ratio_line("kill -9 of one, its successor answers", took[Fleet], took[HaleFleet], "<= 1.5")

    def fleet_round(self, kind, took):
        with self.fleet(kind, FLEET) as fleet:
            took["start"].append(fleet.start())
            time.sleep(1)
            took["kill"].append(fleet.kill(MANY))
            time.sleep(1)
            took["pss"].append(pss_kb(fleet.process.pid))
            took["stop"].append(fleet.stop())

    def fleets(self):
        """A thousand children start, a hundred die, all stop."""
        kinds = (Fleet, HaleFleet, UnprobedFleet)
        took = {kind: {"start": [], "kill": [], "stop": [], "pss": []} for kind in kinds}
        for _ in range(self.rounds):
            for kind in kinds:
                self.fleet_round(kind, took[kind])
        for kind, probes in ((UnprobedFleet, "no probes"), (HaleFleet, "HTTP probes")):
            for key, what, goal in (("start", f"start of {FLEET}", "<= 1.6"), ("kill", f"{MANY} of {FLEET} killed", "<= 2"),
                                    ("stop", f"stop of {FLEET}", "<= 2")):
                ratio_line(f"{what}, {probes}", took[Fleet][key], took[kind][key], goal)
        value_line(f"PSS at {FLEET} instances", f"{max(took[HaleFleet]['pss']) / 1024:.2f} MB", "<= 12 MB")

    def memory(self):
        with self.fleet(HaleFleet, 1) as hale:
            hale.start()
            time.sleep(2)
            value_line("PSS at 1 instance", f"{pss_kb(hale.process.pid) / 1024:.2f} MB", "<= 5 MB")
        with self.fleet(CrashingFleet, 10) as hale:
            seen = []
            until = time.monotonic() + 120
            for mark in (1000, 11000):
                while hale.restarts() < mark and time.monotonic() < until:
                    time.sleep(0.2)
                seen.append((hale.restarts(), pss_kb(hale.process.pid), max(descriptors(hale.process.pid)
                                                                            for _ in range(20))))
            (few, pss_few, fds_few), (many, pss_many, fds_many) = seen
            value_line(f"after {few} and {many} restarts",
                       f"PSS {pss_few} and {pss_many} kB, descriptors {fds_few} and {fds_many}", "no growth")

    def share_of_a_core(self, pid):
        start, used = time.monotonic(), cpu_seconds(pid)
        time.sleep(20)
        return 100 * (cpu_seconds(pid) - used) / (time.monotonic() - start)

    def cpu(self):
        """Both probe children of their own at the same time."""
        with self.fleet(Fleet, MANY) as floor, self.fleet(ProbedFleet, MANY) as hale:
            for each in (floor, hale):
                each.start()
            prober = subprocess.Popen([self.tool("prober"), str(floor.first), str(MANY)])
            try:
                time.sleep(3)
                with concurrent.futures.ThreadPoolExecutor() as pool:
                    floor_share, share = pool.map(self.share_of_a_core, (prober.pid, hale.process.pid))
            finally:
                prober.kill()
                prober.wait()
        value_line(f"CPU, {MANY} children probed each second",
                   f"floor {floor_share:.2f} %, hale {share:.2f} % of a core", "<= 0.5 %")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hale", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("figures", nargs="*", choices=["recovery", "fleet", "memory", "cpu", []])
    options = parser.parse_args()
    bench = Bench(options)
    chosen = {"recovery": bench.recovery, "fleet": bench.fleets, "memory": bench.memory, "cpu": bench.cpu}
    print(f"{'':<44}       {'least':>8} {'median':>8}        {'least':>8} {'median':>8}")
    for name in options.figures or chosen:
        chosen[name]()


if __name__ == "__main__":
    main()
