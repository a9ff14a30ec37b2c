"""Two llama.cpp servers and one embedding server under `hale run`, struck in every way, and healed.

What npm has to install goes to a temporary directory and is removed again, unless HALE_REAL_MODEL_CACHE names a place
to keep it. Without npm or its registry, every test here is skipped and says why; the same cases run on the demo model
server in the end-to-end tests.
"""

import contextlib
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "end_to_end"))

from harness import QUICK, EndToEndTest, http_get, http_post, is_alive, wait_until  # noqa: E402
from healing_cases import HealingCases  # noqa: E402

SENTENCE = " the model server is alive and well"


def why_not_installed(directory):
    """Installs the servers and generates the models. None on success, else why it cannot be done."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return "npm is not installed"
    for name in ("package.json", "package-lock.json", "llama_node_server.js", "use_embed_server.js"):
        shutil.copy(HERE / name, directory)
    try:
        installed = subprocess.run(["npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"],
                                   cwd=directory, capture_output=True, text=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        return "npm cannot install the engines: no answer within 180 s"
    if installed.returncode != 0:
        return f"npm cannot install the engines: {installed.stderr.strip()[-300:]}"
    for arguments in (["chain.gguf"], ["chain-big.gguf", "24", "65536"]):
        subprocess.run(["node", HERE / "mkchain.js", *arguments], cwd=directory, check=True, capture_output=True)
    return None


def setUpModule():
    global engines
    keep = os.environ.get("HALE_REAL_MODEL_CACHE")
    engines = pathlib.Path(keep or tempfile.mkdtemp(prefix="hale-real-model-"))
    engines.mkdir(parents=True, exist_ok=True)
    if not keep:
        unittest.addModuleCleanup(shutil.rmtree, engines, ignore_errors=True)
    if not (engines / "chain-big.gguf").exists():
        reason = why_not_installed(engines)
        if reason:
            print(f"skipped: {reason}", file=sys.stderr)
            raise unittest.SkipTest(reason)


class RealServersAreHealed(HealingCases, EndToEndTest):
    def llama(self, port, **env):
        environment = {"PORT": "{port}", "MODEL": str(engines / "chain.gguf"), "CTX": "512", **env}
        words = [f"{name}={value}" for name, value in environment.items()]
        return {**QUICK, "command": [*words, "node", "llama_node_server.js"], "cwd": str(engines), "ports": [port]}

    def embedder(self, port, **env):
        words = [f"{name}={value}" for name, value in {"PORT": "{port}", **env}.items()]
        return {**QUICK, "command": [*words, "node", "use_embed_server.js"], "cwd": str(engines), "ports": [port]}

    def services(self):
        self.port_of = dict(zip(("llama-a", "llama-b", "embed"), self.sandbox.ports(3)))
        return {name: self.embedder(port) if name == "embed" else self.llama(port)
                for name, port in self.port_of.items()}

    def block(self, name):
        http_get(self.port_of[name], "/fault/hang" if name == "embed" else "/fault/spin")

    def make_exit_0(self, name, pid):
        os.kill(pid, signal.SIGTERM)  # its own way to exit with 0

    def out_of_memory_service(self, port):
        return {**self.llama(port, MODEL=str(engines / "chain-big.gguf"), MMAP="0"), "memory": '{ limit = "400MiB" }'}

    def missing_model_service(self, port):
        return self.llama(port, MODEL="/nowhere/model.gguf")

    def slow_loading_service(self, port):
        return self.embedder(port, LOAD_DELAY_MS="3000")

    def plain_service(self, port):
        return self.llama(port)

    def answering_stranger(self, port):
        environment = {**self.sandbox.environment, "PORT": str(port), "MODEL": str(engines / "chain.gguf"), "CTX": "512"}
        process = subprocess.Popen(["node", "llama_node_server.js"], cwd=engines, env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.sandbox.helpers.append(process)
        def answers():
            with contextlib.suppress(OSError, http.client.HTTPException):
                return http_get(port, "/health")[0] == 200
        wait_until(answers, "the stranger answers")
        return process

    def test_the_models_answer_before_and_after_healing(self):
        self.start_three()
        def ask(name):
            return http_post(self.port_of[name], "/v1/completions", {"prompt": "hello", "max_tokens": 16,
                                                                      "temperature": 0})[1].decode()
        self.assertIn(SENTENCE, ask("llama-a"))
        os.kill(self.before["llama-a"]["pid"], signal.SIGKILL)
        self.hale.wait_state("llama-a", "serving", incarnation=2)
        self.assertFalse(is_alive(self.before["llama-a"]["pid"]))
        self.assertIn(SENTENCE, ask("llama-a"))
        self.assertIn(SENTENCE, ask("llama-b"))
        status, body = http_post(self.port_of["embed"], "/v1/embeddings", {"input": ["The GPU ran out of memory"]})
        self.assertEqual(status, 200, body)
        self.assertIn("model loaded", self.hale.cli("logs", "embed").stdout)
        self.assertEqual(self.hale.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
