"""What the tests of template builds share: both clients behind one face, and files to build from."""

import asyncio
import contextlib
import json
import os
import random
import subprocess
import time
import urllib.error
import urllib.request

from e2b import AsyncSandbox, AsyncTemplate, Sandbox, Template

SIZES = {"cpu_count": 1, "memory_mb": 256}


class Blocking:
    """The client whose calls block."""

    Template = Template

    def call(self, operation, *args, **options):
        return getattr(Template, operation)(*args, **options)

    def sandbox(self, name):
        return Sandbox.create(name)

    def run(self, sandbox, command):
        return sandbox.commands.run(command).stdout.strip()

    def info(self, sandbox):
        return sandbox.get_info()

    def kill(self, sandbox):
        sandbox.kill()

    def close(self):
        pass


class Async:
    """The client of coroutines."""

    Template = AsyncTemplate

    def __init__(self):
        self._runner = asyncio.Runner()

    def call(self, operation, *args, **options):
        return self._runner.run(getattr(AsyncTemplate, operation)(*args, **options))

    def sandbox(self, name):
        return self._runner.run(AsyncSandbox.create(name))

    def run(self, sandbox, command):
        return self._runner.run(sandbox.commands.run(command)).stdout.strip()

    def info(self, sandbox):
        return self._runner.run(sandbox.get_info())

    def kill(self, sandbox):
        self._runner.run(sandbox.kill())

    def close(self):
        self._runner.close()


class Names:
    """Names of templates that no other run has; what has them is deleted at the end."""

    def __init__(self):
        self._given = []

    def __call__(self, of):
        self._given.append(f"accept-py-{of}-{time.time_ns():x}")
        return self._given[-1]

    def close(self):
        for name in self._given:
            with contextlib.suppress(urllib.error.HTTPError):
                api("DELETE", f"/templates/{name}")


class Builder:
    """Builds, makes sandboxes of what was built, and takes both away."""

    def __init__(self, client):
        self.client = client
        self.Template = client.Template
        self.fresh = Names()
        self._sandboxes = []

    def build(self, template, name, **options):
        """The build and the messages of its log."""
        lines = []
        merged = {**SIZES, "on_build_logs": lambda entry: lines.append(entry.message), **options}
        info = self.client.call("build", template, name, **merged)
        return info, "\n".join(lines)

    def shell(self, name):
        """Runs commands in a sandbox of a template."""
        sandbox = self.client.sandbox(name)
        self._sandboxes.append(sandbox)
        return lambda command: self.client.run(sandbox, command)

    def info(self, name):
        sandbox = self.client.sandbox(name)
        self._sandboxes.append(sandbox)
        return self.client.info(sandbox)

    def close(self):
        for sandbox in self._sandboxes:
            self.client.kill(sandbox)
        self.fresh.close()
        self.client.close()


def api(method, path, body=None):
    """Calls the API as plain HTTP; other answers than 2xx are raised."""
    request = urllib.request.Request(
        os.environ["E2B_API_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-API-Key": os.environ["E2B_API_KEY"], "Content-Type": "application/json"},
    )
    return urllib.request.urlopen(request)


def status_of(method, path, body=None):
    try:
        return api(method, path, body).status
    except urllib.error.HTTPError as e:
        return e.code


def fill(directory, files):
    """Makes files: names to contents, a dict for a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if isinstance(content, dict):
            fill(directory / name, content)
        elif isinstance(content, bytes):
            (directory / name).write_bytes(content)
        else:
            (directory / name).write_text(content)
    return directory


def hundred_megabytes():
    """What compression makes little smaller."""
    return random.Random(7).randbytes(1 << 20) * 100


def machine_clients():
    """
    What this machine's clients of package registries are told, as the certificates it trusts and variables. No
    registry is named here: the clients are asked.
    """
    bundles = [os.environ.get("SSL_CERT_FILE", ""), "/etc/ssl/certs/ca-certificates.crt"]
    bundle = next((one for one in bundles if one and os.path.exists(one)), None)
    envs = {} if bundle is None else dict.fromkeys(["PIP_CERT", "NODE_EXTRA_CA_CERTS"], "/opt/machine/machine-ca.crt")
    for variable, command in {
        "npm_config_registry": ["npm", "config", "get", "registry"],
        "PIP_INDEX_URL": ["python3", "-m", "pip", "config", "get", "global.index-url"],
    }.items():
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip():
            envs[variable] = answer.stdout.strip()
    return bundle, envs
