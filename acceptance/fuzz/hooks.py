"""Lets the fuzzer get past the front: some creates name a template that is there, some paths a sandbox that runs.

What it makes it cannot keep for long, and it does not take the only node out of service.
"""

import json
import os
import random
import urllib.request

import schemathesis

LONGEST_SECONDS = 20
FEWEST = 3
random_source = random.Random(int(os.environ.get("FUZZ_SEED", "1")))
sandboxes: list[str] = []


def call(method, path, body=None):
    request = urllib.request.Request(os.environ["E2B_API_URL"] + path, method=method)
    request.add_header("X-API-Key", os.environ["E2B_API_KEY"])
    request.add_header("Content-Type", "application/json")
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data, timeout=30) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def running():
    """One of a few sandboxes that run now; those that the fuzzer has ended are replaced."""
    known = [one["sandboxID"] for one in call("GET", "/v2/sandboxes?limit=20")]
    while len(known) < FEWEST:
        known.append(call("POST", "/v2/sandboxes", {"templateID": "base", "timeout": 300})["sandboxID"])
    return random_source.choice(known)


@schemathesis.serializer("application/x-tar")
def archive(context, value):
    """Any bytes: what is no archive must be refused."""
    content = getattr(value, "data", value)
    return content if isinstance(content, bytes) else str(content).encode(errors="ignore")


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body if isinstance(case.body, dict) else None
    if case.path in ("/sandboxes", "/v2/sandboxes") and body is not None:
        if random_source.random() < 0.7:
            body["templateID"] = "base"
        if isinstance(body.get("timeout"), int) and body["timeout"] > LONGEST_SECONDS:
            body["timeout"] = LONGEST_SECONDS
    if "{sandboxID}" in case.path and isinstance(case.path_parameters, dict) and random_source.random() < 0.4:
        case.path_parameters["sandboxID"] = running()
    if "{templateID}" in case.path and isinstance(case.path_parameters, dict) and random_source.random() < 0.3:
        case.path_parameters["templateID"] = "base"
    if case.path == "/nodes/{nodeID}" and body is not None and body.get("status") in ("draining", "standby"):
        body["status"] = "ready"
