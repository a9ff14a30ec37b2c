"""What must be healed whatever the servers are. A subclass says how its servers are started and struck."""

import datetime
import os
import signal
import sys

from harness import is_alive, why_no_cgroups

SILENT_STRANGER = """
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(64)
print("ready", flush=True)
time.sleep(600)
"""


def moment(event):
    return datetime.datetime.fromisoformat(event["at"].replace("Z", "+00:00"))


class HealingCases:
    """For an EndToEndTest. Three servers run; one at a time is struck."""

    def services(self):
        """Fills self.port_of and returns the keys of three services, each of one instance."""
        raise NotImplementedError

    def block(self, name):
        """Makes the event loop of a server block for good: it accepts, never answers and ignores SIGTERM."""
        raise NotImplementedError

    def make_exit_0(self, name, pid):
        raise NotImplementedError

    def out_of_memory_service(self, port):
        """A service that needs more memory to load than its limit."""
        raise NotImplementedError

    def missing_model_service(self, port):
        """A service whose model does not exist: it says so, and then dies of SIGSEGV."""
        raise NotImplementedError

    def slow_loading_service(self, port):
        """A service that takes three seconds to load and answers 503, or nothing, meanwhile."""
        raise NotImplementedError

    def answering_stranger(self, port):
        """A process of the test's own that answers the health probe of `service(port)`."""
        raise NotImplementedError

    def plain_service(self, port):
        raise NotImplementedError

    def start_three(self, **more):
        self.hale = self.run_cluster({**self.services(), **more})
        self.before = {name: self.hale.wait_state(name, "serving") for name in self.port_of}

    def expect_healed(self, name, cause):
        """`name` was replaced, for this cause; the others did not notice."""
        old = self.before[name]
        restart = self.hale.wait_event(kind="action", action="restart", instance=name)
        now = self.hale.wait_state(name, "serving", incarnation=lambda number: number > old["incarnation"])
        self.assertEqual(restart["cause"], cause, restart)
        self.assertTrue(restart["reason"])
        self.assertEqual(now["last_cause"], cause)
        self.assertIsNone(now["cause"])
        self.assertFalse(is_alive(old["pid"]))
        for other, was in self.before.items():
            if other != name:
                self.assertEqual(self.hale.instance(other)["pid"], was["pid"], other)
        self.assertEqual(self.hale.stop(), 0)

    def test_a_killed_server_is_replaced(self):
        self.start_three()
        name = next(iter(self.before))
        os.kill(self.before[name]["pid"], signal.SIGKILL)
        self.expect_healed(name, "killed_by_signal")

    def test_a_server_that_accepts_but_does_not_answer_is_replaced_although_it_ignores_sigterm(self):
        for name in (next(iter(self.names())), list(self.names())[-1]):
            with self.subTest(name):
                self.start_three()
                self.block(name)
                self.expect_healed(name, "hung")

    def test_a_stopped_server_is_replaced(self):
        self.start_three()
        name = next(iter(self.before))
        os.kill(self.before[name]["pid"], signal.SIGSTOP)
        self.expect_healed(name, "hung")

    def test_an_exit_with_0_that_nobody_asked_for_is_healed(self):
        self.start_three()
        name = list(self.before)[-1]
        self.make_exit_0(name, self.before[name]["pid"])
        self.expect_healed(name, "exit_clean")

    def test_a_server_that_outgrows_its_limit_while_loading_is_known_to_be_killed_for_memory(self):
        reason = why_no_cgroups()
        if reason:
            self.skipTest(reason)
        service = self.out_of_memory_service(self.sandbox.port())
        service["restart"] = '{ base = "50ms", attempts = 1, cool = "5m" }'
        self.start_three(big=service)
        now = self.hale.wait_state("big", "cooling")
        self.assertEqual(now["cause"], "oom_killed", now)
        self.assertEqual(now["incarnation"], 2)
        self.assertEqual({event["cause"] for event in self.hale.events(kind="action", instance="big")}, {"oom_killed"})
        self.assertTrue(self.hale.events(kind="alert"))
        for name, was in self.before.items():
            self.assertEqual(self.hale.instance(name)["pid"], was["pid"], name)
        self.assertEqual(self.hale.stop(), 0)

    def test_a_missing_model_is_held_and_named_by_the_log_although_the_process_dies_of_sigsegv(self):
        self.start_three(lost=self.missing_model_service(self.sandbox.port()))
        now = self.hale.wait_state("lost", "held")
        self.assertEqual(now["cause"], "config_error", now)
        self.assertEqual(now["incarnation"], 1)
        self.assertEqual(now["restarts"], 0)
        exited = self.hale.wait_event(kind="exit", instance="lost")
        self.assertIn("SIGSEGV", str(exited))
        self.assertTrue(self.hale.events(kind="signature", instance="lost"))
        self.assertTrue(self.hale.events(kind="alert"))
        self.assertEqual(self.hale.stop(), 0)

    def test_a_port_taken_by_a_silent_stranger_is_waited_for(self):
        port = self.sandbox.port()
        stranger = self.sandbox.helper([sys.executable, "-c", SILENT_STRANGER, str(port)], stdout=-1, text=True)
        self.assertEqual(stranger.stdout.readline(), "ready\n")
        self.start_three(blocked=self.plain_service(port))
        self.hale.wait_event(instance="blocked", cause="port_taken")
        now = self.hale.wait_state("blocked", "waiting")
        self.assertEqual(now["cause"], "port_taken", now)
        self.assertIn(str(stranger.pid), now["reason"])
        self.assertIsNone(now["pid"])
        self.assertIsNone(stranger.poll(), "a bystander was killed")
        stranger.kill()
        stranger.wait()
        self.hale.wait_state("blocked", "serving")
        self.assertEqual(self.hale.stop(), 0)

    def test_a_port_served_by_a_stranger_is_watched_and_not_doubled(self):
        port = self.sandbox.port()
        stranger = self.answering_stranger(port)
        self.start_three(doubled=self.plain_service(port))
        now = self.hale.wait_state("doubled", "foreign")
        self.assertIsNone(now["pid"])
        self.assertTrue(self.hale.events(kind="foreign", instance="doubled"))
        for verb in ("start", "stop", "restart"):
            refused = self.hale.cli(verb, "doubled")
            self.assert_exit(refused, 1)
            self.assert_one_line(refused.stderr)
        self.assertIsNone(stranger.poll(), "a bystander was killed")
        stranger.kill()
        stranger.wait()
        self.hale.wait_state("doubled", "serving")
        self.assertEqual(self.hale.stop(), 0)

    def test_a_load_that_outlasts_many_probes_is_waited_for(self):
        self.start_three(slow=self.slow_loading_service(self.sandbox.port()))
        now = self.hale.wait_state("slow", "serving")
        self.assertEqual((now["incarnation"], now["restarts"]), (1, 0), now)
        starting = self.hale.wait_event(kind="state", instance="slow", to="starting")
        serving = self.hale.wait_event(kind="state", instance="slow", to="serving")
        self.assertGreater((moment(serving) - moment(starting)).total_seconds(), 2.5)
        self.assertEqual(self.hale.stop(), 0)

    def names(self):
        self.services()
        return self.port_of
