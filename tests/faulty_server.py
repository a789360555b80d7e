"""A proxy in front of a storage that injects faults of networks and busy services.

Clients speak with it as with the storage itself; ``server.faults`` lists the requests that fail, and how.
"""

import json
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

DRIP_BYTES = 512
DRIP_S = 0.02
_NAME_BYTES = 500


@dataclass
class Fault:
    """What becomes of requests with this ``method`` whose URL, or upload's name, holds ``part``.

    ``kind`` is an HTTP status, or one of: reset (the connection breaks before the answer), stall (no answer),
    stall_body (half of the body, then silence), truncate (half of the body, then the end), corrupt (another
    body of the same length), drip (the body, a little at a time). ``times`` requests fare so; None: all.
    """

    kind: int | str
    part: str = ""
    method: str = "GET"
    times: int | None = 1

    def takes(self, method: str, what: str) -> bool:
        """Whether this fault applies to a request; it is then counted."""
        if method != self.method or self.part not in what or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FaultyServer(ThreadingHTTPServer):
    """The proxy.

    ``asked`` holds the method of every request and what it was for: its URL, and the beginning of its body,
    where uploads to Cloud Storage have their name. ``connections`` counts those that were opened.
    """

    daemon_threads = True
    # More than wait on a busy machine when many threads write at once.
    request_queue_size = 64

    def __init__(self, upstream: str):
        super().__init__(("localhost", 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.faults: list[Fault] = []
        self.page_size: int | None = None
        self.asked: list[tuple[str, str]] = []
        self.connections = 0
        self.closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://localhost:{self.server_address[1]}"

    def count(self, part: str, method: str = "GET") -> int:
        """How many requests there were of this kind."""
        return sum(method == asked and part in what for asked, what in self.asked)

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # a client that hung up

    def fault_of(self, method: str, url: str, body: bytes) -> Fault | None:
        """What is to become of a request, if anything; it is noted."""
        what = unquote(url) + body[:_NAME_BYTES].decode("utf-8", "replace")
        with self._lock:
            self.asked.append((method, what))
            return next((fault for fault in self.faults if fault.takes(method, what)), None)


@contextmanager
def faulty(upstream: str):
    """A running FaultyServer in front of ``upstream``."""
    server = FaultyServer(upstream)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.fault_of(self.command, self.path, body)
        kind = fault.kind if fault else None
        if kind == "reset":
            self._reset()
        elif kind == "stall":
            self._hang()
        elif isinstance(kind, int):
            self._answer(kind, {"Content-Type": "text/plain"}, b"" if self.command == "HEAD" else b"no")
        else:
            self._answer(*self._forwarded(body), kind)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_request

    def _forwarded(self, body: bytes):
        to = HTTPConnection(self.server.upstream.hostname, self.server.upstream.port, timeout=60)
        to.request(self.command, self.path, body, dict(self.headers))
        answer = to.getresponse()
        data = answer.read()
        if self.server.page_size and urlsplit(self.path).path.endswith("/o") and answer.status == 200:
            data = self._page_of(data)
        to.close()
        return answer.status, dict(answer.getheaders()), data

    def _answer(self, status: int, headers: dict, body: bytes, kind: str | None = None) -> None:
        left_out = {"connection", "transfer-encoding", "server", "date"}
        headers = {name: value for name, value in headers.items() if name.lower() not in left_out}
        if self.command != "HEAD":
            headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
            headers["Content-Length"] = str(len(body))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self._send(body, kind)

    def _send(self, body: bytes, kind: str | None) -> None:
        if kind == "corrupt":
            body = bytes(255 - byte for byte in body)
        if kind == "drip":
            for start in range(0, len(body), DRIP_BYTES):
                self.wfile.write(body[start : start + DRIP_BYTES])
                self.server.closing.wait(DRIP_S)
        elif kind in ("truncate", "stall_body"):
            self.wfile.write(body[: len(body) // 2])
            if kind == "stall_body":
                self._hang()
            self.close_connection = True
        else:
            self.wfile.write(body)

    def _hang(self) -> None:
        """Nothing more is sent; the thread waits for the end of the test."""
        self.server.closing.wait(60)
        self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()

    def _page_of(self, data: bytes) -> bytes:
        """A listing of the emulator, which gives everything at once, as Cloud Storage gives it."""
        listing = json.loads(data)
        start = int(parse_qs(urlsplit(self.path).query).get("pageToken", ["0"])[0])
        items = listing.get("items", [])
        listing["items"] = items[start : start + self.server.page_size]
        if start + self.server.page_size < len(items):
            listing["nextPageToken"] = str(start + self.server.page_size)
        return json.dumps(listing).encode()

    def log_message(self, *_):
        pass
