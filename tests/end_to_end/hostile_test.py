"""Everything that comes from outside may be malformed, oversized, slow or hostile. The supervisor keeps running, heals
what it must, keeps its siblings untouched, and neither descriptors, processes, memory nor files pile up."""

import contextlib
import os
import pathlib
import random
import socket
import sys
import unittest

from harness import BOUND_S, EndToEndTest, demo_service, descriptors, strike, threads, wait_until

SEND_DATAGRAMS = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for line in sys.stdin:
    try:
        s.sendto(bytes.fromhex(line), os.environ["HALE_TARGET"])
    except OSError as error:
        print(error, file=sys.stderr)
print("sent", flush=True)
"""


class Hostile(EndToEndTest):
    def run_calm_and(self, **services):
        """A cluster with a server nobody harms; its pid and the supervisor's resources are remembered."""
        calm = self.sandbox.port()
        self.hale = self.run_cluster({"calm": demo_service(calm), **services})
        self.calm_pid = self.hale.wait_state("calm", "serving")["pid"]

    def settle(self):
        """The number of descriptors once it has come to rest: the same in five looks in a row."""
        seen = []
        def rests():
            seen.append(descriptors(self.hale.pid))
            return len(seen) >= 5 and len(set(seen[-5:])) == 1 and seen[-1]
        return wait_until(rests, "its descriptors come to rest", pause_s=0.1)

    def least_descriptors_within(self, bound, what):
        wait_until(lambda: descriptors(self.hale.pid) <= bound, what)

    def peak_kb(self):
        """The most memory it has ever had."""
        with open(f"/proc/{self.hale.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))

    def expect_unharmed(self, descriptors_before):
        self.least_descriptors_within(descriptors_before, "descriptors are given back")
        calm = self.hale.instance("calm")
        self.assertEqual((calm["state"], calm["pid"]), ("serving", self.calm_pid))
        self.assertEqual(self.hale.stop(), 0)


class HostileAnswers(Hostile):
    """A server that answers its health probe in the worst ways. Each way has the cause it deserves."""

    def strike_with(self, faults):
        ports = dict(zip(faults, self.sandbox.ports(len(faults))))
        self.run_calm_and(**{
            fault: demo_service(port, health='{ http = "/health", interval = "250ms", timeout = "1s", failures = 2 }')
            for fault, port in ports.items()})
        before = self.hale.wait_all_serving()
        resting = self.settle()
        for fault, port in ports.items():
            strike(port, fault)
        for fault, causes in faults.items():
            with self.subTest(fault):
                restart = self.hale.wait_event(kind="action", action="restart", instance=fault)
                self.assertIn(restart["cause"], causes, restart)
                self.assertTrue(restart["reason"])
                now = self.hale.wait_state(fault, "serving", incarnation=lambda number: number > 1)
                self.assertNotEqual(now["pid"], before[fault]["pid"])
        # Probes are under way at any time, each with a connection of its own.
        self.expect_unharmed(resting + len(faults) + 1)

    def test_malformed_answers_are_failed_probes(self):
        failed = ("probe_failed",)
        self.strike_with({"garbage": failed, "early_close": failed, "reset": failed, "not_found": failed,
                          "error": failed, "unauthorized": failed})

    def test_endless_answers_are_cut_off(self):
        either = ("probe_failed", "hung")
        self.strike_with({"endless_headers": either, "drip": either, "silent": ("hung",)})

    def test_only_the_beginning_of_a_huge_answer_is_read(self):
        port = self.sandbox.port()
        self.run_calm_and(huge=demo_service(port))
        before = self.hale.wait_state("huge", "serving")
        resting = self.settle()
        peak_before_kb = self.peak_kb()
        strike(port, "huge")
        wait_until(lambda: self.hale.instance("huge")["uptime_ms"] > before["uptime_ms"] + 2000, "some probes pass")
        self.assertLess(self.peak_kb() - peak_before_kb, 32 << 10)
        self.assertEqual(self.hale.instance("huge")["pid"], before["pid"])
        self.expect_unharmed(resting + 1)

    def test_a_server_that_never_stops_sending_while_starting_is_stopped_at_its_cap(self):
        port = self.sandbox.port()
        self.run_calm_and(drip=demo_service(port, "--fault", "endless_headers", start='{ timeout = "1s" }',
                                            restart='{ attempts = 1, base = "10ms", cool = "5m" }'))
        now = self.hale.wait_state("drip", "cooling")
        self.assertEqual(now["cause"], "start_timeout", now)
        self.expect_unharmed(self.settle())

    def test_a_server_that_prints_anything_at_any_length_is_logged(self):
        port = self.sandbox.port()
        path = self.sandbox.file("flood.py", "import os, random, sys, time\n"
                                 "r = random.Random(1)\n"
                                 "for _ in range(64): os.write(1, r.randbytes(65536)); os.write(2, b'x' * 200000)\n"
                                 "os.write(1, b'\\nthe end\\n')\ntime.sleep(600)\n")
        self.run_calm_and(flood={"command": [sys.executable, path], "logs": '{ size = "1MiB", keep = 2 }'})
        wait_until(lambda: "the end" in self.hale.cli("logs", "-n", "1", "flood").stdout, "its last line is kept")
        logs = sum(file.stat().st_size for file in pathlib.Path(self.hale.state_dir).rglob("*flood*") if file.is_file())
        self.assertLess(logs, 16 << 20)
        self.expect_unharmed(self.settle())


class HostileClients(Hostile):
    REQUESTS = [
        b"",
        b"\0\1\2\3\xff\xfe\r\n\r\n",
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\n" + b"x: " + b"y" * 300000 + b"\r\n\r\n",
        b"GET /" + b"a" * 300000 + b" HTTP/1.1\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\n" + b"a: b\r\n" * 20000 + b"\r\n",
        b"GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n",
        b"BREW /v1/status HTTP/1.1\r\nhost: x\r\n\r\n",
        b"DELETE /v1/status HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/instances/%00%ff/log HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/instances/calm/log?n=99999999999999999999 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/events?since=%ff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /v1/instances/nobody/restart HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        b"POST /v1/ports/999999999999/heartbeat HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        b"POST /v1/instances/calm/requests HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n{",
        b"POST /v1/instances/calm/requests HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST /v1/instances/calm/requests HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"POST /v1/instances/calm/requests HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] + [
        b"POST /v1/instances/calm/requests HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        for body in (b"not json", b"[]", b"{}", b'{"duration_ms": -1, "ok": true}', b'{"duration_ms": 1e400, "ok": true}',
                     b'{"duration_ms": "1", "ok": 1}', b'{"duration_ms": 9223372036854775807, "ok": true}',
                     b"[" * 50000, b'{"duration_ms": 1, "ok": tru')
    ]

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(BOUND_S)
        client.connect(self.hale.control_socket)
        return client

    def answer_to(self, request):
        """All that comes back, up to the end of the connection or of the first response."""
        with contextlib.closing(self.connect()) as client:
            with contextlib.suppress(ConnectionError):
                client.sendall(request)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)
            received = b""
            with contextlib.suppress(ConnectionError):
                while piece := client.recv(65536):
                    received += piece
            return received

    def test_malformed_requests_get_a_clear_error_and_change_nothing(self):
        self.run_calm_and()
        resting = self.settle()
        before = self.hale.instance("calm")
        for request in self.REQUESTS:
            with self.subTest(request[:100]):
                answer = self.answer_to(request)
                if answer:
                    self.assertRegex(answer[:12], rb"HTTP/1\.1 [45]\d\d")
        now = self.hale.instance("calm")
        self.assertEqual((now["error_rate"], now["consecutive_failures"]),
                         (before["error_rate"], before["consecutive_failures"]))
        self.expect_unharmed(resting)

    def test_random_bytes_do_no_harm(self):
        self.run_calm_and()
        resting = self.settle()
        source = random.Random(20261121)
        for _ in range(200):
            request = bytearray(source.choice(self.REQUESTS)[:2000] or b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n")
            for _ in range(source.randrange(1, 8)):
                request[source.randrange(len(request))] = source.randrange(256)
            if b"stop" in request:
                continue
            self.answer_to(bytes(request))
        self.expect_unharmed(resting)

    def test_clients_that_never_finish_or_never_read_are_bounded(self):
        self.run_calm_and()
        resting = self.settle()
        clients = []
        for number in range(400):
            try:
                client = self.connect()
            except OSError:
                break
            client.setblocking(False)
            clients.append(client)
            request = (b"GET /v1/sta", b"GET /v1/events?follow=1 HTTP/1.1\r\nhost: x\r\n\r\n",
                       b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n" * 50, b"")[number % 4]
            with contextlib.suppress(OSError):
                client.send(request)
        self.assertLess(descriptors(self.hale.pid), 700)
        for client in clients:
            client.close()
        self.expect_unharmed(resting)

    def test_a_follower_that_is_killed_is_forgotten(self):
        self.run_calm_and()
        resting = self.settle()
        followers = [self.hale.follow("events", "-f") for _ in range(5)] + [self.hale.follow("logs", "-f")]
        wait_until(lambda: descriptors(self.hale.pid) >= resting + len(followers), "they are connected")
        for follower in followers:
            follower.process.kill()
            follower.close()
        self.expect_unharmed(resting)


class HostileDatagrams(Hostile):
    def run_with_heartbeats(self):
        self.run_calm_and(beating=demo_service(self.sandbox.port(), "--heartbeat",
                                               heartbeat='{ expected = "1s", drift = "500ms" }', health=None))
        self.beating = self.hale.wait_state("beating", "serving")

    def notify_path(self):
        with open(f"/proc/{self.beating['pid']}/environ", "rb") as environ:
            values = dict(word.split(b"=", 1) for word in environ.read().split(b"\0") if b"=" in word)
        return values[b"NOTIFY_SOCKET"].decode()

    def send(self, datagrams):
        sender = self.sandbox.helper([sys.executable, "-c", SEND_DATAGRAMS], stdin=-1, stdout=-1, text=True)
        sender.stdin.write("".join(each.hex() + "\n" for each in datagrams))
        sender.stdin.close()
        self.assertEqual(sender.stdout.readline(), "sent\n")

    def test_datagrams_from_strangers_and_nonsense_are_dropped(self):
        self.run_with_heartbeats()
        resting = self.settle()
        self.sandbox.environment["HALE_TARGET"] = self.notify_path()
        source = random.Random(7)
        self.send([b"WATCHDOG=1", b"READY=1", b"STOPPING=1", b"WATCHDOG=trigger", b"MAINPID=1", b"",
                   b"EXTEND_TIMEOUT_USEC=99999999999999999999999", b"\0" * 4096, b"=" * 4000, b"X" * 60000,
                   b"STATUS=" + b"\xff" * 1000, b"\n" * 3000]
                  + [source.randbytes(source.randrange(1, 2000)) for _ in range(500)])
        now = self.hale.instance("beating")
        self.assertEqual((now["state"], now["pid"]), ("serving", self.beating["pid"]))
        self.expect_unharmed(resting)

    def test_datagrams_with_descriptors_do_not_leak_them(self):
        self.run_with_heartbeats()
        resting = self.settle()
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.closing(sender):
            sender.connect(self.notify_path())
            for _ in range(100):
                socket.send_fds(sender, [b"WATCHDOG=1"], [0, 1, 2])
        self.expect_unharmed(resting)

    def test_a_flood_does_not_silence_the_supervisor(self):
        self.run_with_heartbeats()
        resting = self.settle()
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.closing(sender):
            sender.setblocking(False)
            path = self.notify_path()
            for _ in range(20000):
                with contextlib.suppress(BlockingIOError):
                    sender.sendto(b"WATCHDOG=1", path)
        self.assertEqual(self.hale.instance("calm")["state"], "serving")
        self.expect_unharmed(resting)


class Leaks(Hostile):
    def test_two_hundred_restarts_leave_descriptors_threads_and_files_as_they_were(self):
        port = self.sandbox.port()
        self.run_calm_and(loop=demo_service(port, "--fault-schedule", "exit3@0s",
                                            restart='{ base = "1ms", cap = "1ms", attempts = 1000000 }'))
        self.hale.wait_event(kind="spawn", instance="loop", incarnation=20)
        files = {path for path in pathlib.Path(self.hale.state_dir).rglob("*")}
        before = max(descriptors(self.hale.pid) for _ in range(20))
        tasks = threads(self.hale.pid)
        self.hale.wait_event(kind="spawn", instance="loop", incarnation=200, bound_s=90)
        self.least_descriptors_within(before, "descriptors do not grow with restarts")
        self.assertEqual(threads(self.hale.pid), tasks)
        self.assertLessEqual(len({path for path in pathlib.Path(self.hale.state_dir).rglob("*")} - files), 4)
        self.assert_exit(self.hale.cli("stop", "loop"), 0)
        self.expect_unharmed(before)

    def test_children_inherit_nothing_of_the_supervisor(self):
        self.run_calm_and()
        opened = {os.readlink(f"/proc/{self.calm_pid}/fd/{each}") for each in os.listdir(f"/proc/{self.calm_pid}/fd")
                  if int(each) <= 2}
        self.assertEqual(len(opened), 3)
        everything = [os.readlink(f"/proc/{self.calm_pid}/fd/{each}") for each in os.listdir(f"/proc/{self.calm_pid}/fd")]
        # Its listening socket, the signalfd and at most the connection of a probe are its own.
        self.assertLessEqual(len(everything), 6, everything)
        with open(f"/proc/{self.calm_pid}/status", encoding="ascii") as status:
            fields = dict(line.split(":\t", 1) for line in status.read().splitlines() if ":\t" in line)
        self.assertEqual(int(fields["SigIgn"], 16) & ~(1 << 12), 0, "only SIGPIPE, which the server itself ignores")
        self.assertEqual(self.hale.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
