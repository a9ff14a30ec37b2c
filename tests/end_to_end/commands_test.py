"""Every command of hale, as a user types it."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import (DEMO_SERVER, EndToEndTest, cluster_file, demo_service, http_get, is_alive, strike,
                     wait_until)

STATUS_KEYS = {"cluster", "pid", "version", "uptime_ms", "services"}
SERVICE_KEYS = {"name", "target", "serving", "instances"}
INSTANCE_KEYS = {"name", "index", "port", "pid", "state", "health", "cause", "reason", "incarnation", "attempt",
                 "restarts", "uptime_ms", "heartbeat_age_ms", "error_rate", "response_ms", "consecutive_failures",
                 "last_action", "last_action_at", "last_cause", "last_reason"}
EVENT_KEYS = {"seq", "at", "cluster", "service", "instance", "incarnation", "kind", "from", "to", "action", "cause",
              "reason", "success", "details"}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class WithoutSupervisor(EndToEndTest):
    def test_version(self):
        answer = self.sandbox.cli("--version")
        self.assert_exit(answer, 0)
        self.assertRegex(answer.stdout, r"^hale \d+\.\d+\.\d+\n$")

    def test_help_names_every_command(self):
        answer = self.sandbox.cli("--help")
        self.assert_exit(answer, 0)
        for verb in ("run", "check", "status", "start", "stop", "restart", "logs", "events", "heartbeat",
                     "report-request", "sim", "demo", "completion"):
            self.assertIn(verb, answer.stdout)
        self.assertLessEqual(max(map(len, answer.stdout.splitlines())), 100)

    def test_completion_is_a_script_the_shell_accepts(self):
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell):
                answer = self.sandbox.cli("completion", shell)
                self.assert_exit(answer, 0)
                self.assertIn("report-request", answer.stdout)
                if shutil.which(shell):
                    checked = subprocess.run([shell, "-n", self.sandbox.file(f"completion.{shell}", answer.stdout)],
                                             capture_output=True, text=True, check=False)
                    self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.assert_exit(self.sandbox.cli("completion", "tcsh"), 2)

    def test_mistakes_on_the_command_line_exit_with_2_and_say_what_is_wrong(self):
        for arguments in (["frobnicate"], ["status", "--frobnicate"], ["start"], ["heartbeat"], ["logs", "-n", "many"],
                          ["report-request", "x", "soon", "ok"], ["report-request", "x", "10ms", "perhaps"],
                          ["events", "--since", "yesterday-ish"], ["run", "--base-port", "99999", "--", "true"], []):
            with self.subTest(arguments):
                answer = self.sandbox.cli(*arguments)
                self.assert_exit(answer, 2)
                self.assertTrue(answer.stderr.strip())

    def test_without_a_supervisor_clients_exit_with_3_and_one_line(self):
        for arguments in (["status"], ["status", "--json"], ["start", "x"], ["stop", "x"], ["restart", "x"],
                          ["logs"], ["events"], ["heartbeat", "x"], ["report-request", "x", "10ms", "ok"]):
            with self.subTest(arguments):
                for where in ([], ["--state", str(self.sandbox.directory / "nowhere")]):
                    answer = self.sandbox.cli(*where, *arguments)
                    self.assert_exit(answer, 3)
                    self.assertEqual(answer.stdout, "")
                    self.assert_one_line(answer.stderr)

    def test_check_accepts_a_good_file(self):
        path = self.sandbox.file("good.toml", cluster_file({"demo": demo_service(self.sandbox.port())}))
        self.assert_exit(self.sandbox.cli("check", path), 0)

    def test_check_names_every_mistake_with_line_and_column(self):
        path = self.sandbox.file("bad.toml", '[cluster]\nstart_concurency = 2\n\n[service.a]\ncommand = ["true"]\n'
                                             'base_port = 99999\nhealth = { interval = "5 parsecs" }\n')
        answer = self.sandbox.cli("check", path)
        self.assert_exit(answer, 2)
        for place, word in ((2, "start_concurrency"), (6, "base_port"), (7, "interval")):
            lines = [line for line in answer.stderr.splitlines() if re.search(rf"bad\.toml:{place}:\d+", line)]
            self.assertTrue(any(word in line for line in lines), answer.stderr)

    def test_check_and_run_refuse_what_cannot_be_read(self):
        deep = "a = " + "[" * 20000
        for name, text in (("empty.toml", ""), ("garbage.toml", "\0\1\2 not toml"), ("deep.toml", deep),
                           ("noservice.toml", "[cluster]\nname = \"x\"\n"), ("latin.toml", "[cluster]\nname = \"\udce9\"\n"),
                           ("cycle.toml", '[service.a]\ncommand=["true"]\nneeds=["b"]\n[service.b]\ncommand=["true"]\n'
                                          'needs=["a"]\n'),
                           ("twice.toml", '[service.a]\ncommand=["true"]\nports=[7001, 7001]\n'),
                           ("wrong.toml", '[service.a]\ncommand="true"\ninstances=-3\nenv=5\nhealth=[]\nstop=true\n')):
            path = self.sandbox.directory / name
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            for verb in ("check", "run"):
                with self.subTest(f"{verb} {name}"):
                    answer = self.sandbox.cli("--state", str(self.sandbox.directory / "st"), verb, str(path))
                    self.assert_exit(answer, 2)
                    self.assertIn(name, answer.stderr)
        for verb in ("check", "run"):
            missing = self.sandbox.cli(verb, "/nowhere/hale.toml")
            self.assert_exit(missing, 2)
            self.assertIn("/nowhere/hale.toml", missing.stderr)


class WithSupervisor(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.ports = self.sandbox.ports(4)
        self.hale = self.run_cluster({
            "web": demo_service(0, names=["web-a", "web-b"], ports=self.ports[:2]),
            "solo": demo_service(self.ports[2], "--load-log-interval", "0s"),
            "slow": demo_service(self.ports[3], "--stop-delay", "1s", stop='{ timeout = "1m" }'),
        }, name="lab")
        self.hale.wait_all_serving()

    def tearDown(self):
        if self.hale.process.poll() is None:
            self.assertEqual(self.hale.stop(), 0)
        super().tearDown()

    def test_status_as_json_has_exactly_the_promised_keys(self):
        status = self.hale.status()
        self.assertEqual(set(status), STATUS_KEYS)
        self.assertEqual((status["cluster"], status["pid"]), ("lab", self.hale.pid))
        self.assertEqual([service["name"] for service in status["services"]], ["web", "solo", "slow"])
        for service in status["services"]:
            self.assertEqual(set(service), SERVICE_KEYS)
            for instance in service["instances"]:
                self.assertEqual(set(instance), INSTANCE_KEYS)
        web = status["services"][0]
        self.assertEqual((web["target"], web["serving"]), (2, 2))
        self.assertEqual([each["name"] for each in web["instances"]], ["web-a", "web-b"])
        self.assertEqual([each["port"] for each in web["instances"]], self.ports[:2])
        for each in web["instances"]:
            self.assertEqual((each["state"], each["incarnation"], each["cause"]), ("serving", 1, None))
            self.assertTrue(is_alive(each["pid"]))

    def test_status_for_people_fits_eighty_columns(self):
        answer = self.hale.cli("status")
        self.assert_exit(answer, 0)
        self.assertLessEqual(max(map(len, answer.stdout.splitlines())), 80)
        for name in ("web-a", "web-b", "solo", "serving"):
            self.assertIn(name, answer.stdout)
        self.assertNotIn("\x1b", answer.stdout, "no colour but on a terminal")

    def test_status_is_watched_until_interrupted(self):
        watch = self.hale.follow("status", "--watch")
        watch.wait_for(lambda line: "solo" in line, "the table is shown")
        watch.process.send_signal(signal.SIGINT)
        self.assertIn(watch.process.wait(10), (0, 130, -signal.SIGINT))
        watch.close()

    def test_stop_start_and_restart_return_when_it_is_so(self):
        before = self.hale.instance("solo")
        self.assert_exit(self.hale.cli("stop", "solo"), 0)
        self.assertFalse(is_alive(before["pid"]))
        self.assertEqual(self.hale.instance("solo")["state"], "stopped")
        self.assert_exit(self.hale.cli("stop", "solo"), 0)
        self.assert_exit(self.hale.cli("start", "solo"), 0)
        self.assertEqual(http_get(self.ports[2], "/health")[0], 200)
        started = self.hale.instance("solo")
        self.assertEqual((started["state"], started["incarnation"]), ("serving", 2))
        self.assert_exit(self.hale.cli("start", "solo"), 0)
        self.assertEqual(self.hale.instance("solo")["pid"], started["pid"])
        self.assert_exit(self.hale.cli("restart", "solo"), 0)
        again = self.hale.instance("solo")
        self.assertEqual((again["state"], again["incarnation"]), ("serving", 3))
        self.assertEqual(self.hale.events(kind="alert"), [])

    def test_names_stand_for_services_instances_or_all(self):
        before = self.hale.instances()
        self.assert_exit(self.hale.cli("restart", "web"), 0)
        after = self.hale.instances()
        self.assertEqual([after[name]["incarnation"] for name in ("web-a", "web-b", "solo")], [2, 2, 1])
        self.assertEqual(after["solo"]["pid"], before["solo"]["pid"])
        self.assert_exit(self.hale.cli("stop", "web-b", "solo"), 0)
        self.assertEqual([self.hale.instance(name)["state"] for name in ("web-a", "web-b", "solo")],
                         ["serving", "stopped", "stopped"])
        self.assert_exit(self.hale.cli("start", "--all"), 0)
        self.assertEqual({each["state"] for each in self.hale.instances().values()}, {"serving"})

    def test_if_one_of_several_names_is_unknown_none_is_touched(self):
        before = self.hale.instances()
        for verb in ("start", "stop", "restart"):
            answer = self.hale.cli(verb, "solo", "wep")
            self.assert_exit(answer, 1)
            self.assert_one_line(answer.stderr)
            self.assertIn("wep", answer.stderr)
            self.assertIn("web", answer.stderr)
        self.assertEqual({name: each["pid"] for name, each in self.hale.instances().items()},
                         {name: each["pid"] for name, each in before.items()})

    def test_without_waiting_commands_return_at_once(self):
        answer = self.hale.cli("restart", "--no-wait", "solo")
        self.assert_exit(answer, 0)
        self.hale.wait_state("solo", "serving", incarnation=2)

    def test_start_exits_with_1_when_it_does_not_serve(self):
        strike(self.ports[2], "exit?code=3")
        self.hale.wait_state("solo", "serving", incarnation=2)
        self.assert_exit(self.hale.cli("stop", "solo"), 0)
        stranger = socket.socket()
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.closing(stranger):
            stranger.bind(("127.0.0.1", self.ports[2]))
            stranger.listen()
            answer = self.hale.cli("start", "solo")
            self.assert_exit(answer, 1)
            self.assert_one_line(answer.stderr)

    def test_logs_show_what_was_printed_with_whom_and_when(self):
        everything = self.hale.cli("logs")
        self.assert_exit(everything, 0)
        for name in ("web-a", "web-b", "solo"):
            self.assertIn(f"srv {name} listening", everything.stdout)
        last = self.hale.cli("logs", "-n", "1", "solo")
        self.assert_exit(last, 0)
        self.assert_one_line(last.stdout)
        self.assertIn("model loaded", last.stdout)
        self.assert_exit(self.hale.cli("logs", "wep"), 1)

    def test_followed_logs_go_on_over_a_restart(self):
        logs = self.hale.follow("logs", "-f", "-n", "1", "solo")
        logs.wait_for(lambda line: "model loaded" in line, "the last line so far")
        strike(self.ports[2], "log?text=one+more")
        logs.wait_for(lambda line: "one more" in line, "a new line")
        self.assert_exit(self.hale.cli("restart", "solo"), 0)
        logs.wait_for(lambda line: "SIGTERM" in line, "the last words")
        wait_until(lambda: sum("model loaded" in line for line in logs.lines) == 2, "the successor's lines")
        self.assertEqual(sum("one more" in line for line in logs.lines), 1)
        logs.close()

    def test_events_have_exactly_the_promised_keys_and_no_gaps(self):
        answer = self.hale.cli("events", "--json")
        self.assert_exit(answer, 0)
        events = [json.loads(line) for line in answer.stdout.splitlines()]
        self.assertTrue(events)
        for event in events:
            self.assertEqual(set(event), EVENT_KEYS)
            self.assertRegex(event["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
        numbers = [event["seq"] for event in events]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertEqual({event["kind"] for event in events if event["instance"] == "solo"} & {"spawn", "state"},
                         {"spawn", "state"})

    def test_events_for_people_and_since(self):
        readable = self.hale.cli("events")
        self.assert_exit(readable, 0)
        self.assertIn("solo", readable.stdout)
        everything = self.hale.cli("events", "--since", "1h")
        self.assertEqual(everything.stdout, readable.stdout)
        future = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        nothing = self.hale.cli("events", "--since", future, "--json")
        self.assert_exit(nothing, 0)
        self.assertEqual(nothing.stdout, "")

    def test_followed_events_tell_each_event_once(self):
        strike(self.ports[2], "kill")
        self.hale.wait_state("solo", "serving", incarnation=2)
        self.hale.wait_event(kind="state", instance="solo", to="serving", incarnation=2)
        numbers = [event["seq"] for event in self.hale.events()]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def test_heartbeats_go_to_a_name_or_a_port(self):
        self.assert_exit(self.hale.cli("heartbeat", "solo"), 0)
        self.assert_exit(self.hale.cli("heartbeat", str(self.ports[0])), 0)
        for wrong in ("nobody", "1"):
            answer = self.hale.cli("heartbeat", wrong)
            self.assert_exit(answer, 1)
            self.assert_one_line(answer.stderr)

    def test_reported_requests_move_the_averages(self):
        self.assert_exit(self.hale.cli("report-request", "solo", "250ms", "ok"), 0)
        now = self.hale.instance("solo")
        self.assertEqual((now["error_rate"], now["response_ms"]), (0, 250))
        self.assert_exit(self.hale.cli("report-request", "solo", "250ms", "fail"), 0)
        self.assertAlmostEqual(self.hale.instance("solo")["error_rate"], 0.1, 6)
        self.assert_exit(self.hale.cli("report-request", "nobody", "1s", "ok"), 1)

    def test_curl_works_on_the_control_socket(self):
        if not shutil.which("curl"):
            self.skipTest("curl is not installed")
        def curl(*arguments):
            return subprocess.run(["curl", "-sS", "--max-time", "20", "--unix-socket", self.hale.control_socket,
                                   *arguments], capture_output=True, text=True, check=False)
        status = curl("http://localhost/v1/status")
        self.assertEqual(json.loads(status.stdout)["cluster"], "lab", status.stderr)
        for path, code in (("instances/solo/heartbeat", 200), ("instances/nobody/heartbeat", 404),
                           (f"ports/{self.ports[0]}/heartbeat", 200), ("services/web/restart", 200)):
            answer = curl("-X", "POST", "-o", "/dev/null", "-w", "%{http_code}", f"http://localhost/v1/{path}")
            self.assertEqual(int(answer.stdout) // 100, code // 100, (path, answer.stdout, answer.stderr))
        events = curl("http://localhost/v1/events").stdout.splitlines()
        self.assertTrue(all(json.loads(line)["seq"] for line in events) and events)
        answer = curl("-d", '{"duration_ms": 12, "ok": true}', "http://localhost/v1/instances/solo/requests",
                      "-o", "/dev/null", "-w", "%{http_code}")
        self.assertEqual(int(answer.stdout) // 100, 2)
        self.assertIn("model loaded", curl("http://localhost/v1/instances/solo/log").stdout)

    def test_many_restarts_at_once_are_one(self):
        answers = []
        def restart():
            connection = UnixConnection(self.hale.control_socket)
            with contextlib.closing(connection):
                connection.request("POST", "/v1/instances/slow/restart")
                answers.append(connection.getresponse().status)
        threads = [threading.Thread(target=restart) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 50)
        self.assertLessEqual(set(answers), {200, 202, 503})
        self.assertIn(200, answers)
        self.assertEqual(self.hale.wait_state("slow", "serving")["incarnation"], 2)

    def test_the_control_socket_is_for_its_owner_only(self):
        self.assertEqual(os.stat(self.hale.control_socket).st_mode & 0o777, 0o600)

    def test_a_request_over_the_socket_stops_everything(self):
        pids = [each["pid"] for each in self.hale.instances().values()]
        connection = UnixConnection(self.hale.control_socket)
        with contextlib.closing(connection):
            connection.request("POST", "/v1/stop")
            self.assertEqual(connection.getresponse().status // 100, 2)
        self.assertEqual(self.hale.wait_exit(), 0)
        self.assertEqual([pid for pid in pids if is_alive(pid)], [])

    def test_clients_find_the_only_supervisor_there_is(self):
        answer = self.sandbox.cli("status", "--json")
        self.assert_exit(answer, 0)
        self.assertEqual(json.loads(answer.stdout)["pid"], self.hale.pid)

    def test_a_second_supervisor_on_the_same_state_directory_is_refused(self):
        path = self.sandbox.file("other.toml", cluster_file({"x": demo_service(self.sandbox.port())}))
        answer = self.hale.cli("run", path)
        self.assert_exit(answer, 1)
        self.assertIn(str(self.hale.pid), answer.stderr)
        self.assertEqual({each["state"] for each in self.hale.instances().values()}, {"serving"})

    def test_sigint_and_sigterm_stop_everything(self):
        pids = [each["pid"] for each in self.hale.instances().values()]
        self.assertEqual(self.hale.stop(signal.SIGINT), 0)
        self.assertEqual([pid for pid in pids if is_alive(pid)], [])
        self.assertFalse(os.path.exists(self.hale.control_socket))


class Runs(EndToEndTest):
    def test_a_command_is_run_without_a_file(self):
        base = self.sandbox.port()
        self.assertLess(base + 20, 65536)
        hale = self.sandbox.run("--name", "quick", "--count", "2", "--base-port", str(base), "--port-offset", "7",
                                "--health", "/health", "--env", "GREETING=hello world", "--", DEMO_SERVER,
                                "--port", "{port}", "--name", "{name}").wait_ready()
        now = hale.wait_all_serving()
        self.assertEqual([each["port"] for each in now.values()], [base + 7, base + 14])
        status = hale.status()
        self.assertEqual(status["cluster"], "quick")
        with open(f"/proc/{next(iter(now.values()))['pid']}/environ", "rb") as environ:
            self.assertIn(b"GREETING=hello world", environ.read().split(b"\0"))
        self.assertEqual(hale.stop(), 0)

    def test_instances_are_named_on_the_command_line(self):
        base = self.sandbox.port()
        hale = self.sandbox.run("--names", "alpha,beta", "--base-port", str(base), "--", DEMO_SERVER).wait_ready()
        self.assertEqual(sorted(hale.wait_all_serving()), ["alpha", "beta"])
        self.assertEqual(hale.stop(), 0)

    def test_the_log_on_stderr_is_one_line_an_event(self):
        port = self.sandbox.port()
        hale = self.run_cluster({"demo": demo_service(port)})
        hale.wait_all_serving()
        strike(port, "exit?code=3")
        hale.wait_state("demo", "serving", incarnation=2)
        self.assertEqual(hale.stop(), 0)
        self.assertIn("exit_error", hale.errors())
        self.assertEqual(hale.output(), "")

    def test_what_the_environment_holds_is_never_told(self):
        port = self.sandbox.port()
        hale = self.run_cluster({"demo": demo_service(port, "--stop-delay", "0s", env='{ API_KEY = "sesame-42" }')})
        pid = hale.wait_all_serving()["demo"]["pid"]
        with open(f"/proc/{pid}/environ", "rb") as environ:
            self.assertIn(b"API_KEY=sesame-42", environ.read().split(b"\0"))
        strike(port, "exit?code=3")
        hale.wait_state("demo", "serving", incarnation=2)
        told = [hale.cli(*words).stdout for words in (["status"], ["status", "--json"], ["events", "--json"], ["logs"])]
        self.assertEqual(hale.stop(), 0)
        self.assertEqual([text for text in (*told, hale.errors(), hale.output()) if "sesame-42" in text], [])

    def test_a_supervisor_that_was_asleep_blames_nobody(self):
        port = self.sandbox.port()
        hale = self.run_cluster({"demo": demo_service(port, "--heartbeat", health=None,
                                                      heartbeat='{ expected = "1s", drift = "500ms" }')})
        pid = hale.wait_all_serving()["demo"]["pid"]
        wait_until(lambda: hale.instance("demo")["heartbeat_age_ms"] is not None, "a heartbeat arrives")
        hale.process.send_signal(signal.SIGSTOP)
        time.sleep(4)  # longer than three times what is expected: the sleep is the fault that is tried here
        hale.process.send_signal(signal.SIGCONT)
        awake = hale.instance("demo")["uptime_ms"]
        now = wait_until(lambda: (lambda it: it["uptime_ms"] > awake + 1500 and it)(hale.instance("demo")), "it goes on")
        self.assertEqual((now["pid"], now["restarts"]), (pid, 0))
        self.assertEqual(hale.stop(), 0)

    def test_a_second_interrupt_kills_at_once(self):
        port = self.sandbox.port()
        hale = self.run_cluster({"demo": demo_service(port, "--ignore-term", stop='{ timeout = "10m" }')})
        pid = hale.wait_all_serving()["demo"]["pid"]
        hale.process.send_signal(signal.SIGINT)
        hale.wait_state("demo", "stopping")
        self.assertTrue(is_alive(pid))
        hale.process.send_signal(signal.SIGINT)
        hale.wait_exit()
        self.assertFalse(is_alive(pid))

    def test_a_supervisor_that_was_killed_is_no_obstacle_for_the_next(self):
        port = self.sandbox.port()
        path = self.sandbox.file("c.toml", cluster_file({"demo": demo_service(port)}))
        first = self.sandbox.run(path).wait_ready()
        pid = first.wait_all_serving()["demo"]["pid"]
        first.process.kill()
        first.process.wait()
        first.follower.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        second = self.sandbox.run(path, state_dir=first.state_dir).wait_ready()
        second.wait_all_serving()
        self.assertEqual(second.stop(), 0)

    def test_a_long_state_directory_is_no_obstacle(self):
        port = self.sandbox.port()
        deep = self.sandbox.directory / ("long-" * 20) / ("path-" * 20)
        deep.mkdir(parents=True)
        path = self.sandbox.file("c.toml", cluster_file({"demo": demo_service(port)}, state_dir=str(deep)))
        hale = self.sandbox.run(path, state_dir=deep, says_state=False).wait_ready()
        hale.wait_all_serving()
        self.assertEqual(hale.stop(), 0)

    def test_a_state_directory_that_cannot_be_written_is_an_error_at_the_start(self):
        file = self.sandbox.file("occupied", "a file, no directory")
        path = self.sandbox.file("c.toml", cluster_file({"demo": demo_service(self.sandbox.port())}))
        answer = self.sandbox.cli("--state", file + "/state", "run", path)
        self.assert_exit(answer, 1)
        self.assertIn(file, answer.stderr)

    def test_the_demo_heals_what_it_breaks(self):
        answer = self.sandbox.cli("demo", "--for", "15s", bound_s=90)
        self.assert_exit(answer, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
