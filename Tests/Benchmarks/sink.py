"""Plays a server without TLS for the benchmarks: it lets everybody in and costs its client next to nothing.

The domain that the client asks for says what comes: `100000.stanzas.test` sends 100,000 messages once the client is
available, and closes; `sink.test` takes what is sent, and acknowledges it (XEP-0198). What is hard on memory: `names.test`
sends 24 MB of names that are all different, `costly.test` the largest stanzas that are let through, and `huge.test` one of
200 MB; `zip-bomb.test` offers compression (XEP-0138), for a gigabyte of one letter. Before the login, `bindings.test` offers
thousands of mechanisms and of channel-binding types, `controls.test` a mechanism of escaped characters alone, and
`challenge.test` sends a challenge of a megabyte.

    sink.py serve FILE       listens on loopback, and writes its port into FILE
    sink.py stream NUMBER    the bytes of such a stream to standard output
"""

import os
import re
import socket
import sys
import threading
import zlib

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
COMPRESSION = (
    "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression></stream:features>"
)
# What a client says that wants an answer; a name may be cut off at the end of what was read.
QUESTION = re.compile(
    rb"<stream:stream[^>]*\sto=['\"](?P<domain>[^'\"]*)['\"][^>]*>|(?P<auth><auth[^>]*(?:/>|>[^<]*</auth>))"
    rb"|(?P<compress><compress[\s>].*?</compress>)|<iq(?P<iq>\s[^>]*)>|(?P<enable><enable\s[^>]*>)|(?P<presence><presence[\s/>])|(?P<ask><r[\s/][^>]*>)"
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


def names(domain):
    """Messages with 24 MB of names of elements, attributes and namespaces, no two of them the same."""
    for number in range(96):
        payloads = "".join(
            f"<{name} xmlns='urn:{name}' {name}=''/>"
            for name in (f"n{number}-{index}-{'x' * 32}" for index in range(2000))
        )
        yield f"<message from='eve@{domain}/x'>{payloads}</message>".encode()


def costly(domain):
    """The largest stanzas that are let through: of elements, of attributes, and of text that is longer when escaped."""
    attributes = "".join(f" a{number}=''" for number in range(250))
    for content in (
        "<a/>" * 65_000,
        "<a b='c'>d</a>" * 32_000,
        f"<a{attributes}/>" * 250,
        "<a>" * 250 + "</a>" * 250,
        f"<body>{chr(0x202E) * 690_000}</body>",
        f"<body>{'&quot;' * 345_000}</body>",
        f"<body>{'x' * 2_090_000}</body>",
        f"<subject>{'x' * 1_000_000}</subject><body>{'x' * 1_000_000}</body>",
    ):
        for _ in range(4):
            yield f"<message from='eve@{domain}/x' type='chat'>{content}</message>".encode()


def huge(domain, megabytes=200):
    """One stanza that is longer than any may be."""
    yield f"<message from='eve@{domain}/x'><body>".encode()
    for _ in range(megabytes):
        yield b"x" * 1_000_000
    yield b"</body></message>"


def mechanisms(names):
    return f"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{names}</mechanisms>"


# What is offered before the login in place of the usual, by the domain.
OFFERED = {
    "bindings.test": mechanisms("<mechanism>SCRAM-SHA-1-PLUS</mechanism>" * 20_000)
    + "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
    + "".join(f"<channel-binding type='t{number}'/>" for number in range(20_000))
    + "</sasl-channel-binding>",
    "controls.test": mechanisms(f"<mechanism>{chr(0x85) * 900_000}</mechanism>"),
    "challenge.test": mechanisms("<mechanism>SCRAM-SHA-1</mechanism>"),
}

# What a client gets once it is available, by its domain.
POURED = {"names.test": names, "costly.test": costly, "huge.test": huge, "bomb.test": lambda domain: huge(domain, 1000)}


class Conversation:
    """One client, from its first header to its last."""

    def __init__(self, client):
        self.client = client
        self.domain = ""
        self.is_logged_in = False
        self.taken = 0
        self.deflater = self.inflater = None

    def say(self, text):
        self.send(text.encode())

    def send(self, data):
        if self.deflater:
            data = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        self.client.sendall(data)

    def run(self):
        rest = b""
        while data := self.client.recv(1 << 18):
            rest += self.inflater.decompress(data) if self.inflater else data
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
                    if self.domain.endswith(".stanzas.test") or self.kind in POURED:
                        threading.Thread(target=self.pour).start()
                elif kind == "compress":
                    self.say("<compressed xmlns='http://jabber.org/protocol/compress'/>")
                    self.deflater, self.inflater = zlib.compressobj(9), zlib.decompressobj()
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
            if self.domain in OFFERED:
                return HEADER.format(self.domain) + f"<stream:features>{OFFERED[self.domain]}</stream:features>"
            if not self.is_logged_in:
                return HEADER.format(self.domain) + MECHANISMS
            offers = self.domain.startswith("zip-") and not self.deflater
            return HEADER.format(self.domain) + (BIND.replace("</stream:features>", COMPRESSION) if offers else BIND)
        if kind == "auth" and self.domain == "challenge.test":
            return f"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{'QUFB' * 300_000}</challenge>"
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

    @property
    def kind(self):
        return self.domain.removeprefix("zip-")

    def pour(self):
        pour = POURED.get(self.kind) or (lambda domain: pieces(int(domain.split(".")[0]), domain))
        try:
            for piece in pour(self.domain):
                self.send(piece)
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
