"""Runs the built `hale` as a user does, and leaves nothing behind.

A test gets a `Sandbox`: a temporary directory, ports from the kernel and a mark in the environment by which every
process that descends from the test is found again, whatever it does. Closing the sandbox ends all of them by pid and
says which ones the supervisor had left alive. Waits are for events, with a generous bound that only a failure meets.

Environment: HALE_BIN, HALE_DEMO_SERVER (the built programs), HALE_TEST_PATIENCE (a factor on every bound).
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

HALE = os.environ.get("HALE_BIN", "hale")
DEMO_SERVER = os.environ.get("HALE_DEMO_SERVER", "hale-demo-server")
PATIENCE = float(os.environ.get("HALE_TEST_PATIENCE", "1"))
BOUND_S = 30 * PATIENCE
MARK = "HALE_TEST_MARK"

# Quick enough for tests, slow enough for a busy machine.
QUICK = {
    "health": '{ http = "/health", interval = "250ms", timeout = "2s", failures = 2 }',
    "restart": '{ base = "50ms", cap = "200ms", attempts = 5, reset_after = "1s", cool = "5m" }',
    "stop": '{ timeout = "2s" }',
}


def toml(value):
    """A value as TOML. Texts that open with a brace are TOML already."""
    if isinstance(value, str) and value.startswith("{"):
        return value
    return json.dumps(value, ensure_ascii=False)


def cluster_file(services, **cluster):
    """The text of a cluster file; `services` maps names to keys."""
    lines = ["[cluster]"] + [f"{key} = {toml(value)}" for key, value in cluster.items()]
    for name, keys in services.items():
        lines += ["", f"[service.{json.dumps(name)}]"] + [f"{key} = {toml(value)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def demo_service(port, *options, **keys):
    """A service of one demo model server with quick settings; `keys` override, None removes."""
    service = {"command": [DEMO_SERVER, "--port", "{port}", "--name", "{name}", *options], "ports": [port], **QUICK}
    service.update(keys)
    return {key: value for key, value in service.items() if value is not None}


def wait_until(condition, what, bound_s=BOUND_S, pause_s=0.02):
    """The first true value of condition()."""
    until = time.monotonic() + bound_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"not within {bound_s:.0f} s: {what}")
        time.sleep(pause_s)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rsplit(b")", 1)[1].split()[0] not in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def memory_cgroups():
    """Directories below the memory controller's hierarchy, of either version."""
    roots = [root for root in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup") if os.path.isdir(root)]
    return {path for path, _, _ in os.walk(roots[0])} if roots else set()


def why_no_cgroups():
    """None where this process may make a memory cgroup, else the reason."""
    v1 = "/sys/fs/cgroup/memory"
    if not os.path.isdir(v1):
        try:
            with open("/sys/fs/cgroup/cgroup.controllers") as controllers:
                if "memory" not in controllers.read():
                    return "no memory controller"
        except OSError as error:
            return f"no cgroups: {error}"
    probe = os.path.join(v1 if os.path.isdir(v1) else "/sys/fs/cgroup", f"hale-probe-{os.getpid()}")
    try:
        os.mkdir(probe)
        os.rmdir(probe)
    except OSError as error:
        return f"memory cgroups cannot be made here: {error}"
    return None


def http_get(port, path, timeout_s=10):
    """(status, body) of one request to a server on the loopback."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def http_post(port, path, body, timeout_s=10):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def strike(port, fault):
    """Asks a demo server for a fault. It may die before it has answered."""
    with contextlib.suppress(ConnectionError, http.client.HTTPException):
        http_get(port, f"/fault/{fault}")


class Follower:
    """The lines of a command that goes on, gathered as they come."""

    def __init__(self, argv, **popen):
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        errors="replace", **popen)
        self.lines = []
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait_for(self, predicate, what, bound_s=BOUND_S):
        """The first line for which predicate(line) is true."""
        until = time.monotonic() + bound_s
        seen = 0
        with self.changed:
            while True:
                for line in self.lines[seen:]:
                    if predicate(line):
                        return line
                seen = len(self.lines)
                if not self.changed.wait(until - time.monotonic()) and time.monotonic() >= until:
                    raise AssertionError(f"not within {bound_s:.0f} s: {what}")

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join(5)
        self.process.stdout.close()


class Sandbox:
    def __init__(self):
        # Short, since the paths of sockets are.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hale-e2e-"))
        self.mark = uuid.uuid4().hex
        self.runtime = self.directory / "run"
        self.runtime.mkdir(mode=0o700)
        self.state_home = self.directory / "state"
        self.state_home.mkdir()
        self.environment = {**os.environ, MARK: self.mark, "XDG_RUNTIME_DIR": str(self.runtime),
                            "XDG_STATE_HOME": str(self.state_home), "LC_ALL": "C.UTF-8"}
        self.environment.pop("NOTIFY_SOCKET", None)
        self.cgroups_before = memory_cgroups()
        self.supervisors = []
        self.helpers = []
        self.sockets = []

    def ports(self, count):
        """Free ports; all are held until all are known, so that they differ."""
        held = [socket.socket() for _ in range(count)]
        for each in held:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", 0))
        numbers = [each.getsockname()[1] for each in held]
        for each in held:
            each.close()
        return numbers

    def port(self):
        return self.ports(1)[0]

    def file(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def cli(self, *arguments, bound_s=BOUND_S):
        """Runs one hale command to its end."""
        return subprocess.run([HALE, *arguments], capture_output=True, text=True, errors="replace", timeout=bound_s,
                              env=self.environment, cwd=self.directory, check=False)

    def helper(self, argv, **popen):
        """A process of the test's own, ended with it."""
        popen.setdefault("stdout", subprocess.DEVNULL)
        popen.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen(argv, env=self.environment, cwd=self.directory, **popen)
        self.helpers.append(process)
        return process

    def marked(self):
        """Living processes that descend from this test: {pid: command line}."""
        needle = f"{MARK}={self.mark}".encode()
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                with open(f"/proc/{entry}/environ", "rb") as environ:
                    if needle not in environ.read().split(b"\0"):
                        continue
                if is_alive(int(entry)):
                    with open(f"/proc/{entry}/cmdline", "rb") as cmdline:
                        found[int(entry)] = cmdline.read().replace(b"\0", b" ").decode(errors="replace").strip()
        return found

    def close(self):
        """Ends everything; returns what a supervisor that has ended should not have left, as lines."""
        left = []
        for supervisor in self.supervisors:
            supervisor.close()
        for process in self.helpers:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        for pid, command in self.marked().items():
            left.append(f"process {pid}: {command}")
        for _ in range(50):
            marked = self.marked()
            for pid in marked:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not marked:
                break
            time.sleep(0.02)
        ours = {str(supervisor.process.pid) for supervisor in self.supervisors}
        for path in sorted(memory_cgroups() - self.cgroups_before, reverse=True):
            if ours & set(path.replace("/", "-").replace(".", "-").replace("_", "-").split("-")):
                left.append(f"cgroup {path}")
                with contextlib.suppress(OSError):
                    os.rmdir(path)
        left += [f"file {path}" for path in self.runtime.rglob("*") if not path.is_dir()]
        left += [f"socket {path}" for path in self.directory.rglob("*") if path.is_socket()]
        shutil.rmtree(self.directory, ignore_errors=True)
        return left

    def run(self, *arguments, **options):
        """`hale run …` in the background."""
        supervisor = Supervisor(self, arguments, **options)
        self.supervisors.append(supervisor)
        return supervisor


class Supervisor:
    """A `hale run` in the background, with the events it has told so far."""

    def __init__(self, sandbox, arguments, state_dir=None, says_state=True):
        """`state_dir`: where it keeps its state; without `says_state` it knows that by itself."""
        self.sandbox = sandbox
        self.state_dir = pathlib.Path(state_dir or sandbox.directory / f"s{len(sandbox.supervisors)}")
        self.error_path = sandbox.directory / f"stderr-{len(sandbox.supervisors)}"
        self.output_path = sandbox.directory / f"stdout-{len(sandbox.supervisors)}"
        argv = [HALE, *(["--state", str(self.state_dir)] if says_state else []), "run", *arguments]
        with open(self.error_path, "wb") as errors, open(self.output_path, "wb") as output:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                            cwd=sandbox.directory, start_new_session=True, env=sandbox.environment)
        self.follower = None

    @property
    def pid(self):
        return self.process.pid

    @property
    def control_socket(self):
        """Where it says that its socket is; empty before it has."""
        said = re.search(r"^  control socket: (.*)$", self.errors(), re.MULTILINE)
        return said.group(1) if said else ""

    def errors(self):
        return self.error_path.read_text(errors="replace")

    def output(self):
        return self.output_path.read_text(errors="replace")

    def cli(self, *arguments, **options):
        return self.sandbox.cli("--state", str(self.state_dir), *arguments, **options)

    def follow(self, *arguments):
        """A following client command, such as `events -f`."""
        return Follower([HALE, "--state", str(self.state_dir), *arguments], env=self.sandbox.environment,
                        cwd=self.sandbox.directory)

    def wait_ready(self, bound_s=BOUND_S):
        """Until it answers `hale status`; then follows its events."""
        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"hale ended with {self.process.returncode}")
            return os.path.exists(self.control_socket) and self.cli("status", "--json").returncode == 0
        wait_until(answers, "the supervisor answers", bound_s, 0.05)
        if self.follower is None:
            self.follower = self.follow("events", "-f", "--json")
        return self

    def status(self):
        answer = self.cli("status", "--json")
        if answer.returncode != 0:
            raise AssertionError(f"hale status: {answer.returncode} {answer.stderr}")
        return json.loads(answer.stdout)

    def instances(self):
        return {each["name"]: each for service in self.status()["services"] for each in service["instances"]}

    def instance(self, name):
        return self.instances()[name]

    def wait_event(self, what=None, bound_s=BOUND_S, **fields):
        """The first event with these fields; a callable value is a predicate on the field."""
        def fits(line):
            event = json.loads(line)
            return all(value(event.get(key)) if callable(value) else event.get(key) == value
                       for key, value in fields.items())
        return json.loads(self.follower.wait_for(fits, what or f"an event with {fields}", bound_s))

    def events(self, **fields):
        """Those so far with these fields."""
        with self.follower.changed:
            events = [json.loads(line) for line in self.follower.lines]
        return [event for event in events if all(event.get(key) == value for key, value in fields.items())]

    def wait_state(self, name, state, bound_s=BOUND_S, **fields):
        """The status of an instance once it is in `state` and has these fields; looks again at each new event."""
        until = time.monotonic() + bound_s
        while True:
            with self.follower.changed:
                seen = len(self.follower.lines)
            now = self.instance(name)
            if now["state"] == state and all(value(now[key]) if callable(value) else now[key] == value
                                             for key, value in fields.items()):
                return now
            if time.monotonic() > until:
                raise AssertionError(f"{name} is not {state} {fields or ''} within {bound_s:.0f} s, but {now}")
            with self.follower.changed:
                if len(self.follower.lines) == seen:
                    self.follower.changed.wait(0.25)

    def wait_all_serving(self, bound_s=BOUND_S):
        names = list(self.instances())
        return {name: self.wait_state(name, "serving", bound_s) for name in names}

    def wait_exit(self, bound_s=BOUND_S):
        return self.process.wait(bound_s)

    def stop(self, with_signal=signal.SIGTERM, bound_s=BOUND_S):
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.wait_exit(bound_s)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.follower is not None:
            self.follower.close()
            self.follower = None


class EndToEndTest(unittest.TestCase):
    """A test with a sandbox. When it fails, what the supervisors said is printed; leftovers are a failure too."""

    maxDiff = None

    def setUp(self):
        self.sandbox = Sandbox()

    def tearDown(self):
        failed = any(error for _, error in getattr(self._outcome, "errors", [])) or any(
            test is self for test, _ in self._outcome.result.failures + self._outcome.result.errors)
        if failed:
            self.print_supervisors()
        left = self.sandbox.close()
        if not failed:
            self.assertEqual(left, [], "left behind")

    def print_supervisors(self):
        for supervisor in self.sandbox.supervisors:
            print(f"--- stderr of {' '.join(supervisor.process.args)}\n{supervisor.errors()[-8000:]}", file=sys.stderr)
            if supervisor.follower is not None:
                print("--- events\n" + "\n".join(supervisor.follower.lines[-60:]), file=sys.stderr)

    def run_cluster(self, services, **cluster):
        """Writes a cluster file and runs it until it answers."""
        cluster.setdefault("start_concurrency", 4)
        path = self.sandbox.file(f"cluster-{len(self.sandbox.supervisors)}.toml", cluster_file(services, **cluster))
        return self.sandbox.run(path).wait_ready()

    def assert_exit(self, answer, code):
        self.assertEqual(answer.returncode, code, f"{answer.args}\nstdout: {answer.stdout}\nstderr: {answer.stderr}")

    def assert_one_line(self, text):
        self.assertEqual(len(text.strip().splitlines()), 1, text)
