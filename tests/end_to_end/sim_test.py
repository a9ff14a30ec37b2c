"""`hale sim` as a user drives it: what it prints and writes, what it refuses, and that a failure can be seen again."""

import json
import os
import re
import shlex
import signal
import subprocess
import unittest

from harness import BOUND_S, HALE, EndToEndTest, cluster_file, wait_until

SERVICE = {"command": ["llama-server", "--port", "{port}"], "health": '{ http = "/health" }'}
GOOD = {"llama": {**SERVICE, "ports": [8080, 8081], "instances": 2}}
# Simulated servers load for two seconds, so this one never comes up: the run fails without any fault.
IMPATIENT = {"llama": {**SERVICE, "ports": [8080], "start": '{ timeout = "1s" }'}}
SHORT = ("--duration", "10m")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as listed:
        return [int(each) for each in listed.read().split()]


class Simulates(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.good = self.sandbox.file("hale.toml", cluster_file(GOOD, name="local"))
        self.bad = self.sandbox.file("impatient.toml", cluster_file(IMPATIENT))

    def sim(self, *arguments, code=0):
        answer = self.sandbox.cli("sim", *arguments, bound_s=4 * BOUND_S)
        self.assert_exit(answer, code)
        return answer

    def sim_json(self, *arguments, code=0):
        return json.loads(self.sim(*arguments, "--json", code=code).stdout)

    def path(self, name):
        return str(self.sandbox.directory / name)

    def test_without_options_it_is_one_run_of_hale_toml_with_seed_1(self):
        self.sandbox.file("hale.toml", cluster_file(GOOD, name="local"))
        found = self.sim_json("--faults", "none", "--duration", "1m")
        self.assertEqual((found["cluster"], found["instances"], found["seed"], found["runs"]), ("local", 2, 1, 1))
        self.assertEqual((found["clean"], found["restarts"], found["faults"]), (True, 0, {}))
        self.assertEqual(found["availability_ppm"], 1000000)

    def test_the_text_has_every_number_and_ends_with_the_trace(self):
        text = self.sim(self.good, "--faults", "none", *SHORT).stdout
        for word in ("seed 1", "availability", "to detect", "to recover", "restarts", "alerts", "faults", "oracles",
                     "not there yet"):
            self.assertIn(word, text)
        self.assertRegex(text.splitlines()[-1], r"^trace [0-9a-f]{16}$")

    def test_the_same_seed_gives_the_same_run_and_others_differ(self):
        seven = [self.sim_json(self.good, "--seed", "7", "--faults", "crash,restart,slow", *SHORT) for _ in range(2)]
        self.assertEqual(seven[0], seven[1])
        eight = self.sim_json(self.good, "--seed", "8", "--faults", "crash,restart,slow", *SHORT)
        self.assertNotEqual(seven[0]["trace"], eight["trace"])
        self.assertLessEqual(set(seven[0]["faults"]), {"crash", "restart", "slow"})

    def test_many_seeds_are_run_beside_each_other_and_added_up(self):
        found = self.sim_json(self.good, "--seed", "3", "--seeds", "5", "--faults", "none", "--duration", "1m")
        self.assertEqual((found["runs"], found["seed"], found["trace"]), (5, 3, None))
        self.assertGreaterEqual(found["simulated_ms"], 5 * 60_000)

    def test_a_recorded_tape_repeats_the_run_without_any_options(self):
        made = self.sim_json(self.good, "--seed", "4", "--record", self.path("r.tape"), "--faults", "crash,slow", *SHORT)
        again = self.sim_json(self.good, "--tape", self.path("r.tape"))
        self.assertEqual((again["trace"], again["seed"], again["faults"]), (made["trace"], 4, made["faults"]))

    def test_an_empty_tape_is_a_run_without_any_trouble(self):
        found = self.sim_json(self.good, "--tape", self.sandbox.file("empty.tape", ""), *SHORT)
        self.assertEqual((found["clean"], found["faults"], found["seed"]), (True, {}, None))

    def test_the_picture_is_one_file_that_needs_no_other(self):
        self.sim(self.good, "--timeline", self.path("t.html"), "--faults", "crash", *SHORT)
        with open(self.path("t.html")) as page:
            text = page.read()
        self.assertIn("llama-1", text)
        self.assertNotRegex(text, r'(src|href)="https?:')

    def test_a_failing_run_says_what_when_and_how_to_see_it_again(self):
        answer = self.sim(self.bad, code=1)
        self.assertIn("FAILED: seed 1: oracle 25", answer.stdout)
        tape = self.bad + ".seed-1.tape"
        self.assertTrue(os.path.exists(tape))
        replay = re.search(r"^  replay +hale (.*)$", answer.stdout, re.MULTILINE)
        self.assertIn(tape, replay[1])
        again = self.sandbox.cli(*shlex.split(replay[1]))
        self.assert_exit(again, 1)
        self.assertEqual(again.stdout.splitlines()[-1], answer.stdout.splitlines()[-1])

    def test_a_failing_run_is_shrunk_at_wish(self):
        failure = self.sim_json(self.bad, "--shrink", "--duration", "2h", code=1)["failures"][0]
        self.assertEqual((failure["number"], failure["tape_choices"]), (25, 0))
        self.assertGreater(failure["shrink_runs"], 0)
        with open(failure["tape"]) as tape:
            self.assertIn("--duration 1m", tape.read())
        again = self.sim_json(*shlex.split(failure["replay"])[2:], code=1)
        self.assertEqual(again["failures"][0]["number"], 25)

    def test_a_tape_is_shrunk_beside_itself(self):
        self.sim(self.bad, "--record", self.path("x.tape"), code=1)
        failure = self.sim_json(self.bad, "--tape", self.path("x.tape"), "--shrink", code=1)["failures"][0]
        self.assertEqual(failure["tape"], self.path("x.shrunk.tape"))
        self.assertTrue(os.path.exists(failure["tape"]))

    def test_of_many_failures_each_is_told(self):
        found = self.sim_json(self.bad, "--seeds", "4", "--timeline", self.path("t.html"), code=1)
        self.assertEqual([failure["seed"] for failure in found["failures"]], [1, 2, 3, 4])
        self.assertTrue(all(os.path.exists(failure["tape"]) for failure in found["failures"]))
        self.assertTrue(os.path.exists(self.path("t.html")))

    def test_where_no_tape_can_be_written_beside_the_file_it_goes_to_the_working_directory(self):
        folder = self.sandbox.directory / "impatient"
        folder.mkdir()
        path = folder / "c.toml"
        path.write_text(cluster_file(IMPATIENT))
        (folder / "c.toml.seed-1.tape").mkdir()  # stands in the way, also of root
        failure = self.sim_json(str(path), code=1)["failures"][0]
        self.assertEqual(failure["tape"], "c.toml.seed-1.tape")
        self.assertTrue((self.sandbox.directory / "c.toml.seed-1.tape").exists())

    def test_bad_tapes_are_refused_with_their_line(self):
        self.sim(self.good, "--record", self.path("r.tape"), "--faults", "crash", *SHORT)
        with open(self.path("r.tape")) as file:
            lines = file.read().splitlines(keepends=True)
        damaged = {"cut": lines[:-1], "old": ["hale-tape 0\n"] + lines[1:], "edited": lines[:2] +
                   [lines[2].replace(" = ", " = 9 ")] + lines[3:], "no": ["{}\n"]}
        for name, text in damaged.items():
            with self.subTest(name):
                path = self.sandbox.file(f"{name}.tape", "".join(text))
                answer = self.sim(self.good, "--tape", path, code=2)
                self.assertRegex(answer.stderr, rf"{name}\.tape:\d+: ")
                self.assert_one_line(answer.stderr)
        missing = self.sim(self.good, "--tape", "/nowhere.tape", code=2)
        self.assertIn("/nowhere.tape", missing.stderr)

    def test_options_that_contradict_the_tape_are_refused(self):
        self.sim(self.good, "--record", self.path("r.tape"), "--faults", "none", *SHORT)
        for option in (("--duration", "1h"), ("--faults", "oom"), ("--quiet-after", "50%"), ("--seed", "2")):
            with self.subTest(option):
                self.assertIn("tape", self.sim(self.good, "--tape", self.path("r.tape"), *option, code=2).stderr)
        self.sim(self.good, "--tape", self.path("r.tape"), *SHORT)

    def test_mistakes_exit_with_2_and_name_the_nearest(self):
        for arguments, said in ((("--seed", "x"), "'x'"), (("--duration", "0s"), "--duration"),
                                (("--faults", "oom,hagn"), "did you mean `hang`?"), (("--seeds", "0"), "--seeds"),
                                (("--quiet-after", "0%"), "--quiet-after"), (("--record", "/nowhere/x"), "/nowhere/x"),
                                (("--timeline", "/"), "directory"), (("--shrnk",), "did you mean `--shrink`?")):
            with self.subTest(arguments):
                answer = self.sim(self.good, *arguments, code=2)
                self.assertIn(said, answer.stderr)
                self.assertEqual(answer.stdout, "")
        self.assertIn("/nowhere.toml", self.sim("/nowhere.toml", code=2).stderr)

    def test_every_fault_is_listed(self):
        listed = self.sim("--faults", "help").stdout
        for name in ("crash", "oom", "hang", "port-thief", "kill-hale"):
            self.assertIn(name, listed)
            self.assertIn(name, self.sim("--help").stdout)

    def start(self, *arguments):
        process = self.sandbox.helper([HALE, "sim", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: children(process.pid), "it has workers")
        return process

    def test_a_run_that_crashes_is_a_failure_with_its_seed(self):
        process = self.start(self.good, "--seed", "9", "--duration", "3000d", "--json")
        os.kill(children(process.pid)[0], signal.SIGSEGV)
        out, _ = process.communicate(timeout=BOUND_S)
        self.assertEqual(process.returncode, 1)
        failure = json.loads(out)["failures"][0]
        self.assertEqual((failure["seed"], failure["oracle"]), (9, "crash"))
        self.assertIn("SIGSEGV", failure["what"])
        self.assertIn("--seed 9 --duration 3000d", failure["replay"])

    def test_an_interrupt_stops_it_and_tells_what_is_done(self):
        process = self.start(self.good, "--seeds", "1000000", "--faults", "none", "--duration", "1m", "--json")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=BOUND_S)
        self.assertEqual(process.returncode, 130)
        found = json.loads(out)
        self.assertEqual((found["interrupted"], found["clean"], found["wanted"]), (True, False, 1000000))
        self.assertLess(found["runs"], 1000000)

    def test_workers_do_not_outlive_it(self):
        process = self.start(self.good, "--seeds", "1000000", "--duration", "3000d")
        process.kill()
        process.wait()
        wait_until(lambda: not self.sandbox.marked(), "the workers are gone")


if __name__ == "__main__":
    unittest.main(verbosity=2)
