"""Plays a server without TLS for the benchmarks: it lets everybody in and costs its client next to nothing.

The domain that the client asks for says what comes: `100000.stanzas.test` sends 100,000 messages once the client is
available, and closes; `sink.test` takes what is sent, and acknowledges it (XEP-0198).

    sink.py serve FILE       listens on loopback, and writes its port into FILE
    sink.py stream NUMBER    the bytes of such a stream to standard output
"""

import os
import re
import socket
import sys
import threading

SM = "urn:xmpp:sm:3"
HEADER = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    " id='1' version='1.0' from='{}'>"
)
MECHANISMS = (
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism>"
    "</mechanisms></stream:features>"
)
BIND = (
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
    f"<sm xmlns='{SM}'/></stream:features>"
)
# What a client says that wants an answer; a name may be cut off at the end of what was read.
QUESTION = re.compile(
    rb"<stream:stream[^>]*\sto=['\"](?P<domain>[^'\"]*)['\"][^>]*>|(?P<auth><auth[^>]*(?:/>|>[^<]*</auth>))"
    rb"|<iq(?P<iq>\s[^>]*)>|(?P<enable><enable\s[^>]*>)|(?P<presence><presence[\s/>])|(?P<ask><r[\s/][^>]*>)"
    rb"|(?P<message></message>)|(?P<end></stream:stream>)"
)
LONGEST_QUESTION = 1024


def message(number, domain):
    """A message of some 280 bytes, as a room or an alarm may send it."""
    return (
        f"<message id='m{number:07}' type='chat' from='sensor@example.org/hall-{number % 50}' to='bench@{domain}'>"
        f"<body>Reading {number:07} of the hall: all values are within limits &amp; safe.</body>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' id='a{number:015}' by='bench@{domain}'/></message>"
    )


def pieces(count, domain):
    """The messages in pieces of 100, each followed by the question whether they came."""
    for first in range(0, count, 100):
        text = "".join(message(number, domain) for number in range(first, min(first + 100, count)))
        yield f"{text}<r xmlns='{SM}'/>".encode()


class Conversation:
    """One client, from its first header to its last."""

    def __init__(self, client):
        self.client = client
        self.domain = ""
        self.is_logged_in = False
        self.taken = 0

    def say(self, text):
        self.client.sendall(text.encode())

    def run(self):
        rest = b""
        while data := self.client.recv(1 << 18):
            rest += data
            end = 0
            answers = []
            for question in QUESTION.finditer(rest):
                end = question.end()
                kind = question.lastgroup
                if kind == "message":
                    self.taken += 1
                elif kind == "ask":
                    answers.append(f"<a xmlns='{SM}' h='{self.taken}'/>")
                elif kind == "presence":
                    self.taken += 1
                    if self.domain.endswith(".stanzas.test"):
                        threading.Thread(target=self.pour).start()
                elif kind == "end":
                    return self.say("</stream:stream>")
                else:
                    self.say(self.answer(kind, question))
            if answers:
                self.say("".join(answers))
            rest = rest[max(end, len(rest) - LONGEST_QUESTION) :]

    def answer(self, kind, question):
        if kind == "domain":
            self.domain = question["domain"].decode()
            return HEADER.format(self.domain) + (BIND if self.is_logged_in else MECHANISMS)
        if kind == "auth":
            self.is_logged_in = True
            return "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
        if kind == "enable":
            self.taken = 0
            return f"<enabled xmlns='{SM}'/>"
        self.taken += 1
        name = re.search(r"\sid=['\"]([^'\"]*)", question["iq"].decode())[1]
        # Whoever was asked answers.
        asked = re.search(r"\sto=['\"]([^'\"]*)", question["iq"].decode())
        sender = f" from='{asked[1]}'" if asked else ""
        jid = f"<jid>bench@{self.domain}/bench</jid>"
        bound = f"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>{jid}</bind>"
        return f"<iq type='result' id='{name}'{sender}>{bound}</iq>"

    def pour(self):
        try:
            for piece in pieces(int(self.domain.split(".")[0]), self.domain):
                self.client.sendall(piece)
            self.say("</stream:stream>")
        except OSError:
            pass  # The client has seen enough.


def converse(client):
    try:
        Conversation(client).run()
    except OSError:
        pass
    finally:
        client.close()


def serve(file):
    server = socket.create_server(("127.0.0.1", 0))
    with open(file + ".new", "w") as output:
        print(server.getsockname()[1], file=output)
    os.rename(file + ".new", file)
    while True:
        client, _ = server.accept()
        threading.Thread(target=converse, args=(client,), daemon=True).start()


def stream(count):
    domain = f"{count}.stanzas.test"
    sys.stdout.buffer.write(HEADER.format(domain).encode())
    for piece in pieces(count, domain):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.write(b"</stream:stream>")


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    stream(int(sys.argv[2]))
