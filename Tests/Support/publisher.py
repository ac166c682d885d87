"""A publisher of images on loopback, for tests: files over HTTP with ranges, and faults on request.

    publisher.py FOLDER [CERTIFICATE]

Serves FOLDER/files. It prints its port when it listens, and writes each answer as a line of JSON to FOLDER/log:
method, path, range (as asked), status, sent (bytes of the body). With a CERTIFICATE (PEM, with its key) it is an HTTPS
proxy as well, one that answers by itself for every host: the path of https://HOST/PATH is then /HOST/PATH.

FOLDER/rules holds faults, as JSON: {"/path": {…}}, read anew at each request:

    status       answer with this code
    login        a login page in place of the file
    wrong        bytes that are not the file's
    break_after  end the connection after so many bytes of the body
    rate         bytes a second
    no_range     take no notice of a Range
    no_head      refuse HEAD, so that nobody knows the length before
    location     redirect to there
"""

import http.server
import json
import os
import re
import ssl
import sys
import threading
import time

folder = sys.argv[1]
certificate = sys.argv[2] if len(sys.argv) > 2 else None
log_lock = threading.Lock()
login_page = b"<!DOCTYPE html>\n<html><head><title>Welcome to our network</title></head></html>\n"


class Publisher(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = ""

    def do_CONNECT(self):
        if certificate is None:
            return self.send_error(405)
        self.send_response(200)
        self.end_headers()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.host = "/" + self.path.rsplit(":", 1)[0]
        self.close_connection = False

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        path = self.host + self.path
        with open(folder + "/rules") as file:
            rule = json.load(file).get(path, {})
        if self.command == "HEAD" and rule.get("no_head"):
            return self.finish_with(405, b"", {})
        if "location" in rule:
            return self.finish_with(302, b"moved\n", {"Location": rule["location"]})
        if "status" in rule:
            return self.finish_with(rule["status"], b"no\n", {})
        if rule.get("login"):
            return self.finish_with(200, login_page, {"Content-Type": "text/html"})
        try:
            with open(folder + "/files" + path, "rb") as file:
                body = file.read()
        except OSError:
            return self.finish_with(404, b"not here\n", {})
        if rule.get("wrong"):
            body = bytes(byte ^ 0x55 for byte in body)
        headers = {"Accept-Ranges": "none" if rule.get("no_range") else "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None or rule.get("no_range"):
            return self.finish_with(200, body, headers, rule)
        start = int(asked[1])
        if start >= len(body):
            return self.finish_with(416, b"", {"Content-Range": f"bytes */{len(body)}"})
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self.finish_with(206, body[start:], headers, rule)

    def finish_with(self, status, body, headers, rule={}):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        chunks = self.chunks(body, rule) if self.command != "HEAD" else []
        sent = 0
        try:
            self.end_headers()
            for chunk in chunks[:-1]:
                self.wfile.write(chunk)
                sent += len(chunk)
                if "rate" in rule:
                    time.sleep(0.05)
            # In the log before who asked can know that it was the last.
            self.log_answer(status, sent + sum(map(len, chunks[-1:])))
            for chunk in chunks[-1:]:
                self.wfile.write(chunk)
        except OSError:
            # Who asked has gone.
            self.close_connection = True
            self.log_answer(status, sent)
        if sum(map(len, chunks)) < len(body):
            self.close_connection = True

    def chunks(self, body, rule):
        end = min(len(body), rule.get("break_after", len(body)))
        step = rule["rate"] // 20 if "rate" in rule else 1 << 16
        return [body[start : min(start + step, end)] for start in range(0, end, step)]

    def log_answer(self, status, sent):
        entry = {
            "method": self.command,
            "path": self.host + self.path,
            "range": self.headers.get("Range"),
            "status": status,
            "sent": sent,
        }
        with log_lock, open(folder + "/log", "a") as log:
            log.write(json.dumps(entry) + "\n")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        # A test ends the programs that ask: a broken connection is none of the server's faults.
        pass


with Server(("127.0.0.1", 0), Publisher) as server:
    print(server.server_address[1], flush=True)
    # It ends with the test that started it, also where that one was killed.
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
