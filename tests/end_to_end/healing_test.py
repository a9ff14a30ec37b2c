"""The demo model server fails in every way, and is healed; nothing else is touched."""

import contextlib
import http.client
import os
import signal
import unittest

from harness import (DEMO_SERVER, QUICK, EndToEndTest, demo_service, http_get, is_alive, strike, wait_until,
                     why_no_cgroups)
from healing_cases import HealingCases


class DemoServersAreHealed(HealingCases, EndToEndTest):
    def services(self):
        self.port_of = dict(zip(("llama-a", "llama-b", "embed"), self.sandbox.ports(3)))
        return {name: demo_service(port) for name, port in self.port_of.items()}

    def block(self, name):
        strike(self.port_of[name], "spin" if name == "llama-a" else "hang")

    def make_exit_0(self, name, pid):
        strike(self.port_of[name], "exit?code=0")

    def out_of_memory_service(self, port):
        return demo_service(port, "--load-memory", "512MiB", memory='{ limit = "64MiB" }')

    def missing_model_service(self, port):
        return demo_service(port, "--model", "/nowhere/model.gguf")

    def slow_loading_service(self, port):
        return demo_service(port, "--load-time", "3s")

    def plain_service(self, port):
        return demo_service(port)

    def answering_stranger(self, port):
        process = self.sandbox.helper([DEMO_SERVER, "--port", str(port)])
        def answers():
            with contextlib.suppress(OSError, http.client.HTTPException):
                return http_get(port, "/health")[0] == 200
        wait_until(answers, "the stranger answers")
        return process


class OneServer(EndToEndTest):
    """One demo server in one scenario each."""

    def run_one(self, *options, **keys):
        self.port = self.sandbox.port()
        self.hale = self.run_cluster({"demo": demo_service(self.port, *options, **keys)})
        return self.hale

    def serving(self):
        return self.hale.wait_state("demo", "serving")

    def healed_after(self, before, cause, **more):
        restart = self.hale.wait_event(kind="action", action="restart", instance="demo")
        self.assertEqual(restart["cause"], cause, restart)
        now = self.hale.wait_state("demo", "serving", incarnation=lambda number: number > before["incarnation"], **more)
        self.assertFalse(is_alive(before["pid"]))
        self.assertEqual(self.hale.stop(), 0)
        return now

    def test_a_crash_is_a_crash(self):
        self.run_one()
        for fault, cause in (("crash", "crash"), ("abort", "crash"), ("exit?code=3", "exit_error")):
            before = self.serving()
            strike(self.port, fault)
            now = self.hale.wait_state("demo", "serving", incarnation=before["incarnation"] + 1)
            self.assertEqual(now["last_cause"], cause)
        self.assertEqual(self.hale.stop(), 0)

    def test_a_refused_probe_of_a_living_process_is_a_failed_probe(self):
        self.run_one()
        before = self.serving()
        strike(self.port, "deaf")
        self.healed_after(before, "probe_failed")

    def test_the_log_tells_an_accelerator_out_of_memory_from_a_mere_exit(self):
        self.run_one()
        before = self.serving()
        strike(self.port, "log?text=CUDA+out+of+memory.+Tried+to+allocate+2.00+GiB")
        strike(self.port, "exit?code=1")
        self.healed_after(before, "gpu_oom")

    def test_a_log_line_alone_kills_nobody(self):
        self.run_one()
        before = self.serving()
        strike(self.port, "log?text=CUDA+out+of+memory.+Tried+to+allocate+2.00+GiB")
        self.hale.wait_event(kind="signature", instance="demo")
        http_get(self.port, "/health")
        self.assertEqual(self.hale.instance("demo")["pid"], before["pid"])
        self.assertEqual(self.hale.stop(), 0)

    def test_a_server_that_grows_past_its_limit_is_known_to_be_killed_for_memory(self):
        reason = why_no_cgroups()
        if reason:
            self.skipTest(reason)
        self.run_one(memory='{ limit = "64MiB" }')
        before = self.serving()
        strike(self.port, "oom")
        self.healed_after(before, "oom_killed")

    def test_a_server_past_the_hard_limit_is_restarted(self):
        self.run_one(memory='{ soft = "40MiB", hard = "80MiB" }')
        before = self.serving()
        strike(self.port, "leak?mb=120")
        self.healed_after(before, "memory_limit")

    def test_a_grandchild_that_holds_the_port_does_not_outlive_its_parent(self):
        self.run_one("--grandchild")
        before = self.serving()
        family = set(self.sandbox.marked())
        self.assertGreater(len(family), 2)
        os.kill(before["pid"], signal.SIGKILL)
        now = self.hale.wait_state("demo", "serving", incarnation=2)
        self.assertNotEqual(now["pid"], before["pid"])
        self.assertEqual(self.hale.stop(), 0)
        self.assertEqual(self.sandbox.marked(), {})

    def test_a_server_that_ignores_sigterm_is_killed_after_its_timeout(self):
        self.run_one("--ignore-term", stop='{ timeout = "300ms" }')
        before = self.serving()
        self.assertEqual(self.hale.stop(), 0)
        self.assertFalse(is_alive(before["pid"]))

    def test_a_slow_stop_within_its_timeout_is_waited_for(self):
        self.run_one("--stop-delay", "1s", stop='{ timeout = "20s" }')
        self.serving()
        self.assert_exit(self.hale.cli("stop", "demo"), 0)
        exited = self.hale.wait_event(kind="exit", instance="demo")
        self.assertNotIn("SIGKILL", str(exited))
        self.assertEqual(self.hale.instance("demo")["state"], "stopped")
        self.assertEqual(self.hale.stop(), 0)

    def test_a_server_whose_heartbeats_stop_is_restarted(self):
        self.run_one("--heartbeat", heartbeat='{ expected = "1s", drift = "500ms" }', health=None)
        before = self.serving()
        wait_until(lambda: self.hale.instance("demo")["heartbeat_age_ms"] is not None, "a heartbeat arrives")
        strike(self.port, "mute")
        self.healed_after(before, "no_heartbeat")

    def test_failed_requests_that_the_application_reports_bring_a_restart(self):
        self.run_one(health='{ http = "/health", interval = "30s" }')
        before = self.serving()
        for _ in range(3):
            self.assert_exit(self.hale.cli("report-request", "demo", "120ms", "fail"), 0)
        restart = self.hale.wait_event(kind="action", action="restart", instance="demo")
        self.assertIn("3 consecutive failures", restart["reason"])
        self.hale.wait_state("demo", "serving", incarnation=before["incarnation"] + 1)
        self.assertEqual(self.hale.stop(), 0)

    def test_a_program_that_does_not_exist_is_held_with_its_path(self):
        self.port = self.sandbox.port()
        self.hale = self.run_cluster({"demo": {"command": ["/nowhere/llama-server"], "ports": [self.port], **QUICK}})
        now = self.hale.wait_state("demo", "held")
        self.assertEqual(now["cause"], "exec_failed")
        self.assertIn("/nowhere/llama-server", now["reason"])
        self.assertIn("No such file or directory", now["reason"])
        self.assertEqual(self.hale.stop(), 0)

    def test_a_crash_loop_cools_down_with_one_alert_and_a_person_may_start_it(self):
        self.run_one("--fault-schedule", "exit3@0s", restart='{ base = "20ms", attempts = 3, cool = "5m" }')
        now = self.hale.wait_state("demo", "cooling")
        self.assertEqual((now["incarnation"], now["cause"]), (4, "exit_error"), now)
        self.assertEqual(len(self.hale.events(kind="alert")), 1)
        self.assert_exit(self.hale.cli("start", "--no-wait", "demo"), 0)
        self.hale.wait_event(kind="spawn", instance="demo", incarnation=5)
        self.assertEqual(self.hale.stop(), 0)

    def test_a_clean_exit_is_left_alone_where_the_policy_says_so(self):
        self.run_one(restart='{ policy = "on-failure" }')
        self.serving()
        strike(self.port, "exit?code=0")
        self.assertEqual(self.hale.wait_state("demo", "finished")["incarnation"], 1)
        self.assertEqual(self.hale.stop(), 0)

    def test_output_is_kept_to_the_last_word(self):
        self.run_one(restart='{ policy = "never" }')
        self.serving()
        strike(self.port, "log?text=the+last+words")
        strike(self.port, "kill")
        self.hale.wait_event(kind="exit", instance="demo")
        wait_until(lambda: "the last words" in self.hale.cli("logs", "demo").stdout, "the last words are kept")
        self.assertEqual(self.hale.stop(), 0)


class Order(EndToEndTest):
    def test_services_start_after_what_they_need_and_stop_before_it(self):
        database, model, gateway = self.sandbox.ports(3)
        hale = self.run_cluster({
            "gateway": demo_service(gateway, needs=["model"]),
            "model": demo_service(model, needs=["database"]),
            "database": demo_service(database, "--load-time", "500ms"),
        })
        hale.wait_all_serving()
        sequence = {(event["instance"], event["to"]): event["seq"] for event in hale.events(kind="state")}
        self.assertLess(sequence["database", "serving"], sequence["model", "starting"])
        self.assertLess(sequence["model", "serving"], sequence["gateway", "starting"])
        self.assertEqual(hale.stop(), 0)
        order = [line for line in hale.errors().splitlines() if "stopped" in line]
        self.assertTrue(order, "the log on stderr tells what stopped")

    def test_a_lost_need_degrades_what_needs_it_but_does_not_restart_it(self):
        database, model = self.sandbox.ports(2)
        hale = self.run_cluster({
            "model": demo_service(model, needs=["database"]),
            "database": demo_service(database, restart='{ policy = "never" }'),
        })
        before = hale.wait_all_serving()
        strike(database, "exit?code=3")
        now = hale.wait_state("model", "serving", health="degraded")
        self.assertEqual((now["cause"], now["pid"]), ("dependency_lost", before["model"]["pid"]))
        self.assertEqual(hale.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
