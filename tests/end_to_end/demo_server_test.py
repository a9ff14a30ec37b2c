"""The demo model server fails exactly as it says, so that the tests which heal it mean something."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import unittest

from harness import BOUND_S, DEMO_SERVER, EndToEndTest, http_get, http_post, is_alive, strike, wait_until


class DemoServer(EndToEndTest):
    def run_server(self, *options):
        self.port = self.sandbox.port()
        self.server = self.sandbox.helper([DEMO_SERVER, "--port", str(self.port), *options],
                                          stderr=subprocess.PIPE, text=True)
        def listens():
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            return self.server.poll() is not None
        wait_until(listens, "it listens")

    def last_words(self):
        return self.server.communicate(timeout=BOUND_S)[1]

    def stop(self):
        self.server.terminate()
        return self.server.wait(BOUND_S)

    def test_it_answers_as_the_real_one_does(self):
        self.run_server("--model", "/dev/null")
        wait_until(lambda: http_get(self.port, "/health")[0] == 200, "it has loaded")
        self.assertEqual(json.loads(http_get(self.port, "/health")[1]), {"status": "ok"})
        answer = json.loads(http_post(self.port, "/v1/completions", {"prompt": "hello"})[1])
        self.assertEqual(answer["choices"][0]["text"], " the model server is alive and well")
        self.assertEqual(json.loads(http_get(self.port, "/v1/models")[1])["data"][0]["id"], "/dev/null")
        self.assertIn(b"llamacpp:tokens_predicted_total 7\n", http_get(self.port, "/metrics")[1])
        self.assertEqual(http_get(self.port, "/nothing")[0], 404)
        self.assertEqual(self.stop(), 0)

    def test_it_is_unavailable_while_it_loads(self):
        self.run_server("--load-time", "1s", "--load-memory", "32MiB", "--load-log-interval", "100ms")
        status, body = http_get(self.port, "/health")
        self.assertEqual((status, json.loads(body)["error"]["message"]), (503, "Loading model"))
        wait_until(lambda: http_get(self.port, "/health")[0] == 200, "it has loaded")
        self.assertEqual(self.stop(), 0)
        self.assertGreater(self.last_words().count("progress ="), 2)

    def test_it_ends_as_it_was_told(self):
        for fault, code in (("crash", -signal.SIGSEGV), ("abort", -signal.SIGABRT), ("kill", -signal.SIGKILL),
                            ("exit", 0), ("exit?code=3", 3), ("exit5", 5)):
            with self.subTest(fault):
                self.run_server()
                strike(self.port, fault)
                self.last_words()
                self.assertEqual(self.server.returncode, code)

    def test_without_a_limit_an_out_of_memory_ends_at_a_bound(self):
        self.run_server("--oom-bound", "64MiB")
        strike(self.port, "oom")
        self.assertIn("std::bad_alloc", self.last_words())
        self.assertEqual(self.server.returncode, -signal.SIGABRT)

    def test_a_missing_model_is_said_before_it_dies(self):
        self.run_server("--model", "/nowhere/model.gguf")
        self.assertIn("failed to open GGUF file '/nowhere/model.gguf' (No such file or directory)", self.last_words())
        self.assertEqual(self.server.returncode, -signal.SIGSEGV)

    def test_a_taken_port_is_said(self):
        self.run_server()
        second = subprocess.run([DEMO_SERVER, "--port", str(self.port)], capture_output=True, text=True, check=False)
        self.assertEqual(second.returncode, 1)
        self.assertIn(f"couldn't bind HTTP server socket, hostname: 127.0.0.1, port: {self.port}", second.stderr)

    def test_a_blocked_loop_connects_but_does_not_answer_and_ignores_sigterm(self):
        for fault in ("hang", "spin", "stop"):
            with self.subTest(fault):
                self.run_server()
                strike(self.port, fault)
                with self.assertRaises(TimeoutError):
                    http_get(self.port, "/health", timeout_s=0.5)
                self.server.terminate()
                with self.assertRaises(TimeoutError):
                    http_get(self.port, "/health", timeout_s=0.5)
                self.assertTrue(is_alive(self.server.pid))
                self.server.kill()
                self.last_words()

    def test_its_answers_go_wrong_until_they_are_put_right(self):
        for fault, outcome in (("garbage", http.client.BadStatusLine), ("early_close", http.client.IncompleteRead),
                               ("reset", ConnectionError), ("endless_headers", http.client.HTTPException),
                               ("silent", TimeoutError), ("not_found", 404), ("unauthorized", 401), ("error", 500),
                               ("loading", 503), ("slow?ms=1", 200)):
            with self.subTest(fault):
                self.run_server()
                strike(self.port, fault)
                try:
                    seen = http_get(self.port, "/health", timeout_s=0.5)[0]
                except (OSError, http.client.HTTPException) as error:
                    seen = error
                if isinstance(outcome, int):
                    self.assertEqual(seen, outcome)
                else:
                    self.assertIsInstance(seen, outcome)
                strike(self.port, "none")
                self.assertEqual(http_get(self.port, "/health")[0], 200)
                self.assertEqual(self.stop(), 0)
                self.last_words()

    def test_the_model_goes_wrong_while_its_health_is_well(self):
        self.run_server()
        strike(self.port, "wrong_answer")
        self.assertNotIn(b"alive and well", http_post(self.port, "/v1/completions", {})[1])
        strike(self.port, "wedge")
        stuck = http.client.HTTPConnection("127.0.0.1", self.port)
        with contextlib.closing(stuck):
            stuck.request("POST", "/v1/completions", "{}")
            wait_until(lambda: b"requests_processing 1\n" in http_get(self.port, "/metrics")[1], "it is busy")
            self.assertEqual(http_get(self.port, "/health")[0], 200)
        self.assertEqual(self.stop(), 0)

    def test_heartbeats_go_to_the_notify_socket_until_it_is_mute(self):
        path = str(self.sandbox.directory / "n")
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.closing(receiver):
            receiver.bind(path)
            receiver.settimeout(BOUND_S)
            self.sandbox.environment |= {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000"}
            self.run_server("--heartbeat")
            said = [receiver.recv(100) for _ in range(20)]
            self.assertIn(b"WATCHDOG=1", said)
            self.assertEqual(sum(each.startswith(b"READY=1") for each in said), 1)
            strike(self.port, "mute")
            strike(self.port, "slow?ms=50")
            http_get(self.port, "/health")
            receiver.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while receiver.recv(100):
                    pass
            http_get(self.port, "/health")  # five intervals long
            self.assertRaises(BlockingIOError, receiver.recv, 100)
            self.assertEqual(self.stop(), 0)
        (self.sandbox.directory / "n").unlink()

    def test_a_schedule_strikes_once_however_often_it_is_restarted(self):
        self.run_server("--fault-schedule", "slow?ms=1@10ms,exit7@50ms")
        self.last_words()
        self.assertEqual(self.server.returncode, 7)
        self.run_server("--fault-schedule", "exit6@0s")
        self.last_words()
        self.assertEqual(self.server.returncode, 6)
        self.run_server("--fault-schedule", "exit7@1s", "--schedule-epoch", "1")
        self.assertEqual(http_get(self.port, "/health")[0], 200)
        self.assertEqual(self.stop(), 0)

    def test_a_stubborn_one_ignores_sigterm(self):
        self.run_server("--ignore-term")
        self.server.terminate()
        self.assertIn("SIGTERM: ignored", self.server.stderr.readline() + self.server.stderr.readline() +
                      self.server.stderr.readline())
        self.assertEqual(http_get(self.port, "/health")[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
