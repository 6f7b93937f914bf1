"""Counts what schemathesis was answered: run.py reads it, so that a run that reaches nothing is a failure."""

import atexit
import collections
import json
import os

import schemathesis

SEEN = collections.Counter()


@schemathesis.hook
def after_call(context, case, response):
    # Coverage also tries methods that the operation is not about.
    if case.method.upper() == case.operation.method.upper():
        SEEN[f"{case.operation.method.upper()} {case.operation.path}", response.status_code] += 1


@atexit.register
def write():
    with open(os.environ["SEEN"], "w", encoding="utf-8") as file:
        json.dump([[operation, status, count] for (operation, status), count in sorted(SEEN.items())], file)
