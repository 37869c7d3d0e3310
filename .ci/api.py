"""Tries the API against its own description; then the auditor must find that everything still adds up.

    api.py SCHEMATHESIS BASE PASSWORD
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SCHEMATHESIS, BASE, PASSWORD = sys.argv[1:]
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
]


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def started():
    for _ in range(120):
        try:
            return call("/v1/health")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    raise SystemExit("the local stack does not answer")


started()
admin = call("/v1/sessions", {"email": "admin@localhost", "password": PASSWORD})
run = [
    os.path.abspath(SCHEMATHESIS), "run", BASE + "/v1/openapi.json",
    "--header", "Authorization: Bearer " + admin["access_token"],
    "--checks", ",".join(CHECKS),
    "--phases", "examples,coverage,fuzzing",
    # One worker: Python up to 3.12 fails at random when two threads parse source at once (CPython issue 106905).
    "--max-examples", "25", "--workers", "1", "--generation-deterministic",
    "--suppress-health-check", "filter_too_much",
]
with tempfile.TemporaryDirectory() as elsewhere:  # it keeps notes where it stands
    failed = subprocess.run(run, cwd=elsewhere).returncode
audit = call("/_local/audit")
print("auditor:", len(audit["findings"]), "findings in", audit["items"], "items")
for finding in audit["findings"]:
    print(finding)
sys.exit(1 if failed or audit["findings"] else 0)
