"""The application under test: `GET /module.name` answers with that name's value, as JSON.

Without a name it is `words.WORD`.
"""

import wsgireload

wsgireload.start(interval=0.1, settle=0.05)

import importlib
import json
import os

import words  # what the tests edit


def application(environ, start_response):
    asked = environ["PATH_INFO"].strip("/") or "words.WORD"
    module, _, name = asked.rpartition(".")
    value = getattr(importlib.import_module(module), name)
    answer = {
        "value": value() if callable(value) else value,
        "pid": os.getpid(),
        "parent": os.getppid() if os.name != "nt" else 0,  # wine 8 ends who asks
        "status": wsgireload.status().asdict(),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer, default=str).encode()]
