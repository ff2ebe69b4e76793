"""The entries in etcd, by the JSON gateway that each of its members has (etcd 3.4 and later)."""

from __future__ import annotations

import http.client
import json
from base64 import b64decode, b64encode
from contextlib import ExitStack, closing
from email.utils import parsedate_to_datetime
from typing import Any

from wsgireload.coordinator import Coordinator
from wsgireload.turn.connection import TIMEOUT, context, user_and_password
from wsgireload.turn.rules import Entries, dump, parse


class Etcd:
    """A connection to one member, until `close` is called.

    `write` compares the revisions of both keys, as `read` found them. The turn's key belongs to a
    lease, which each renewal makes anew: the key goes with its latest.
    """

    def __init__(self, coordinator: Coordinator) -> None:
        """Connect; OSError if that fails."""
        self._life = coordinator.life
        self._keys = [_coded(f"{coordinator.name}/{each}") for each in Entries._fields]
        self._revisions = ["0", "0"]
        self._headers = {"Content-Type": "application/json"}
        self._now = 0.0
        with ExitStack() as stack:
            self._connection = stack.enter_context(closing(_connect(coordinator)))
            if secret := user_and_password(coordinator):
                name, password = secret
                answer = self._call("auth/authenticate", {"name": name, "password": password})
                self._headers["Authorization"] = answer["token"]
            self.close = stack.pop_all().close

    def read(self) -> tuple[Entries, float]:
        """Return the entries, and the time of the member that answers."""
        ranges = [{"requestRange": {"key": key}} for key in self._keys]
        answer = self._call("kv/txn", {"success": ranges})
        found = [each["response_range"].get("kvs", [{}])[0] for each in answer["responses"]]
        self._revisions = [each.get("mod_revision", "0") for each in found]
        values = [b64decode(each["value"]) if "value" in each else None for each in found]
        return Entries(*map(parse, values)), self._now

    def write(self, before: Entries, after: Entries) -> bool:
        """Write what differs, unless an entry has changed since it was read."""
        unchanged = [
            {"key": key, "target": "MOD", "result": "EQUAL", "modRevision": revision}
            for key, revision in zip(self._keys, self._revisions, strict=True)
        ]
        changes = []
        for name, key, old, new in zip(Entries._fields, self._keys, before, after, strict=True):
            if new == old:
                continue
            if new is None:
                changes.append({"requestDeleteRange": {"key": key}})
            else:
                lease = {"lease": self._lease()} if name == "turn" else {}
                changes.append({"requestPut": {"key": key, "value": _coded(dump(new)), **lease}})
        answer = self._call("kv/txn", {"compare": unchanged, "success": changes})
        return bool(answer.get("succeeded"))

    def _lease(self) -> str:
        return str(self._call("lease/grant", {"TTL": str(round(self._life))})["ID"])

    def _call(self, method: str, data: dict[str, Any]) -> Any:
        """Return the answer to a request; OSError for one that etcd refuses."""
        try:
            self._connection.request("POST", f"/v3/{method}", json.dumps(data), self._headers)
            response = self._connection.getresponse()
            content = response.read()
            self._now = parsedate_to_datetime(response.headers["Date"]).timestamp()
            answer = json.loads(content)
        except (http.client.HTTPException, ValueError, TypeError) as error:
            raise OSError(f"this is no etcd: {error!r}") from None
        if response.status != http.client.OK:
            raise OSError(f"etcd refuses {method}: {answer.get('message', response.status)}")
        return answer


def _connect(coordinator: Coordinator) -> http.client.HTTPConnection:
    [(host, port)] = coordinator.hosts
    if tls := context(coordinator):
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=tls)
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT)


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()
