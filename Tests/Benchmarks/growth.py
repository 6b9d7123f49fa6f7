"""Measures how CPU time and memory grow with what a server sends, for each shape of it, by doubling.

    growth.py XMPPCTL MEASURE [SHAPE...]

XMPPCTL is the released executable, MEASURE the program made of measure.c. Each shape is sent in three sizes, each twice the one
before. The time that a run takes without it is subtracted; what remains must not grow by more than LIMIT when the size
doubles, and memory must stay below its ceiling. Shapes that stay below NOTICEABLE are linear as far as anybody can tell.
"""

import base64
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

LIMIT = 2.6
NOTICEABLE = 0.060
CEILING = 32 << 10  # KiB
DOMAIN = "growth.test"
PASSWORD = "correct-horse-7"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"


def header(identifier="1"):
    return (
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
        f" id='{identifier}' version='1.0' from='{DOMAIN}'>"
    )


def features(content):
    return f"<stream:features>{content}</stream:features>"


def mechanisms(content):
    return f"<mechanisms xmlns='{SASL}'>{content}</mechanisms>"


def many(count, piece):
    return "".join(map(piece, range(count)))


PLAIN = mechanisms("<mechanism>PLAIN</mechanism>")
BIND = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
REGISTER = "<register xmlns='http://jabber.org/features/iq-register'/>"


class Conversation:
    """One client, from its first header to its last."""

    def __init__(self, client):
        self.client = client
        self.rest = b""

    def say(self, text):
        self.client.sendall(text.encode())

    def hear(self, pattern):
        """Reads on until a regular expression matches, and forgets what came up to there."""
        while not (match := re.search(pattern, self.rest, re.S)):
            data = self.client.recv(1 << 16)
            if not data:
                raise EOFError
            self.rest += data
        self.rest = self.rest[match.end() :]
        return match

    def open(self, content=None, identifier="1"):
        self.hear(rb"<stream:stream[^>]*>")
        self.say(header(identifier) + (features(content) if content is not None else ""))

    def bind(self):
        self.open(PLAIN)
        self.hear(rb"<auth .*?</auth>")
        self.say(f"<success xmlns='{SASL}'/>")
        self.open(BIND)
        identifier = self.hear(rb"<iq[^>]*\sid='([^']*)'.*?</iq>")[1].decode()
        jid = f"<jid>bob@{DOMAIN}/growth</jid>"
        self.say(f"<iq type='result' id='{identifier}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>{jid}</bind></iq>")

    def finish(self):
        self.hear(rb"</stream:stream>")
        self.say("</stream:stream>")


def offer(content):
    """A shape of the features before the login."""
    return lambda line, size: (line.open(content(size)), line.finish())


def challenge(mechanism, content):
    def play(line, size):
        line.open(mechanisms(f"<mechanism>{mechanism}</mechanism>"))
        first = line.hear(rb"<auth [^>]*?(?:/>|>(.*?)</auth>)")[1] or b""
        nonce = base64.b64decode(first).decode().rpartition("r=")[2]
        line.say(f"<challenge xmlns='{SASL}'>{base64.b64encode(content(size, nonce).encode()).decode()}</challenge>")
        if line.hear(rb"<response.*?</response>|</stream:stream>")[0].startswith(b"<response"):
            line.say(f"<failure xmlns='{SASL}'><not-authorized/></failure>")
            line.finish()

    return play


def registration(content):
    def play(line, size):
        line.open(PLAIN + REGISTER)
        identifier = line.hear(rb"<iq[^>]*\sid='([^']*)'.*?</iq>")[1].decode()
        line.say(f"<iq type='result' id='{identifier}'><query xmlns='jabber:iq:register'>{content(size)}</query></iq>")
        identifier = line.hear(rb"<iq[^>]*\sid='([^']*)'.*?</iq>|</stream:stream>")[1]
        if identifier:
            line.say(f"<iq type='error' id='{identifier.decode()}'><error type='cancel'/></iq>")
            line.finish()
        else:
            line.say("</stream:stream>")

    return play


def stanza(content):
    """A shape of a stanza that a contact sends, then one message more, which is the last line wanted."""

    def play(line, size):
        line.bind()
        line.hear(rb"<presence")
        line.say(content(size) + f"<message from='eve@{DOMAIN}/x' id='last'><body>last</body></message>")
        line.finish()

    return play


def answer(content):
    """A shape of an answer to what `send` asks."""

    def play(line, size):
        line.bind()
        line.hear(rb"<iq[^>]*\sid='q'.*?>")
        line.say(f"<iq type='result' from='{DOMAIN}' id='q'>{content(size)}</iq>")
        line.hear(rb"<iq[^>]*\sid='[^q][^']*'.*?</iq>") if b"urn:xmpp:ping" in line.rest else None
        line.finish()

    return play


def message(content):
    return stanza(lambda size: f"<message from='eve@{DOMAIN}/x' type='chat' id='m'>{content(size)}</message>")


def presence(content):
    return stanza(lambda size: f"<presence from='eve@{DOMAIN}/x'>{content(size)}</presence>")


def sizes(first):
    return [first, 2 * first, 4 * first]


ELEMENTS = 8_000
TEXT = 250_000
LISTEN = ["listen", "--no-reconnect", "--count", "2"]
STYLES = [LISTEN, [*LISTEN, "--json"], [*LISTEN, "--xml"], [*LISTEN, "--json", "--trace=/dev/null"]]
FEATURES = [["features"], ["features", "--json"], ["features", "--xml"]]
LOGIN = [["bind", "--json"]]
MADE = [["bind", "--json", "--register"]]
SENT = [["send", "--xml", "--json", "--confirm", "none"]]

# Name: commands, the smallest size, and what the server does.
SHAPES = {
    "features, many": (FEATURES, ELEMENTS, offer(lambda n: many(n, lambda i: f"<a{i} xmlns='u'/>"))),
    "features, namespaces": (FEATURES, ELEMENTS, offer(lambda n: many(n, lambda i: f"<a xmlns='u:{i}'/>"))),
    "features, one long name": (FEATURES, TEXT, offer(lambda n: f"<a xmlns='u:{'x' * n}'/>" + "<b xmlns='u'/>" * 9)),
    "mechanisms, many": (FEATURES + LOGIN, ELEMENTS, offer(lambda n: mechanisms(many(n, lambda i: f"<mechanism>X-{i}</mechanism>")))),
    "mechanisms, one long": (FEATURES + LOGIN, TEXT, offer(lambda n: mechanisms(f"<mechanism>{'X' * n}</mechanism>"))),
    "mechanisms, controls": (FEATURES, TEXT // 2, offer(lambda n: mechanisms(f"<mechanism>{chr(0x85) * n}</mechanism>"))),
    "mechanisms × binding types": (
        LOGIN,
        4_000,
        offer(
            lambda n: mechanisms("<mechanism>SCRAM-SHA-1-PLUS</mechanism>" * n)
            + "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
            + many(n, lambda i: f"<channel-binding type='t{i}'/>")
            + "</sasl-channel-binding>"
        ),
    ),
    "SASL2, inline features": (
        FEATURES,
        4_000,
        offer(
            lambda n: "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>X-A</mechanism><inline>"
            + many(n, lambda i: f"<bind xmlns='urn:xmpp:bind:0'><inline><feature var='{i}'/></inline></bind>")
            + "</inline></authentication>"
        ),
    ),
    "header, long id": (LOGIN, TEXT // 2, lambda line, n: (line.open(mechanisms(""), "i" * n), line.finish())),
    "stream error, text": (
        LOGIN,
        TEXT,
        lambda line, n: (
            line.open(),
            line.say(f"<stream:error><conflict xmlns='{STREAMS}'/><text xmlns='{STREAMS}'>{'x' * n}</text></stream:error>"),
            line.finish(),
        ),
    ),
    "stream error, conditions": (
        LOGIN,
        4_000,
        lambda line, n: (
            line.open(),
            line.say("<stream:error>" + many(n, lambda i: f"<c{i} xmlns='u:{i}'/>") + "</stream:error>"),
            line.finish(),
        ),
    ),
    "SCRAM, long nonce": (LOGIN, 10_000, challenge("SCRAM-SHA-1", lambda n, nonce: f"r={nonce}{'z' * n},s=c2FsdA==,i=4096")),
    "SCRAM, extensions": (LOGIN, 2_500, challenge("SCRAM-SHA-1", lambda n, nonce: f"r={nonce}z,s=c2FsdA==,i=4096{',h=x' * n}")),
    "SCRAM, huge": (LOGIN, TEXT, challenge("SCRAM-SHA-1", lambda n, nonce: f"r={nonce}z,s={'QUFB' * (n // 4)},i=4096")),
    "DIGEST-MD5, realms": (
        LOGIN,
        1_500,
        challenge("DIGEST-MD5", lambda n, _: 'nonce="a",qop="auth",algorithm=md5-sess' + many(n, lambda i: f',realm="{i}"')),
    ),
    "registration, fields": (MADE, 4_000, registration(lambda n: many(n, lambda i: f"<key><a{i}/></key>"))),
    "registration, hidden fields": (
        MADE,
        4_000,
        registration(
            lambda n: "<x xmlns='jabber:x:data' type='form'>"
            + many(n, lambda i: f"<field var='f{i}' type='hidden'><value>{i}</value></field>")
            + "</x>"
        ),
    ),
    "registration, unknown field": (MADE, TEXT, registration(lambda n: f"<f{'x' * n}/>")),
    "stanza, names": (STYLES, ELEMENTS, message(lambda n: "<x xmlns='u'>" + many(n, lambda i: f"<a{i}/>") + "</x>")),
    "stanza, namespaces": (STYLES, ELEMENTS, message(lambda n: many(n, lambda i: f"<a xmlns='u:{i}'/>"))),
    "stanza, attributes": (STYLES, ELEMENTS, message(lambda n: "<x xmlns='u'>" + many(n, lambda i: f"<a b{i}='1'/>") + "</x>")),
    "stanza, foreign attributes": (
        STYLES,
        ELEMENTS // 2,
        message(lambda n: "<x xmlns='u'>" + many(n, lambda i: f"<a xmlns:p='u:{i}' p:b='1'/>") + "</x>"),
    ),
    "stanza, bodies": (STYLES, ELEMENTS, message(lambda n: many(n, lambda i: f"<body xml:lang='l{i}'>b</body>"))),
    "stanza, subjects": (STYLES, ELEMENTS, message(lambda n: many(n, lambda i: f"<subject xml:lang='l{i}'>b</subject>"))),
    "stanza, delays": (STYLES, ELEMENTS // 2, message(lambda n: "<delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>" * n)),
    "stanza, ids": (STYLES, ELEMENTS // 2, message(lambda n: many(n, lambda i: f"<stanza-id xmlns='urn:xmpp:sid:0' by='x' id='{i}'/>"))),
    "stanza, text and elements": (STYLES, ELEMENTS, message(lambda n: f"<x xmlns='u'>{'a<b/>' * n}</x>")),
    "stanza, references": (STYLES, TEXT // 4, message(lambda n: f"<body>{'&amp;' * n}</body>")),
    "stanza, CDATA": (STYLES, ELEMENTS, message(lambda n: f"<body>{'<![CDATA[x]]>' * n}</body>")),
    "stanza, controls": (STYLES, TEXT // 4, message(lambda n: f"<body>{(chr(0x85) + chr(0x202E)) * n}</body>")),
    "stanza, long sender": (STYLES, TEXT // 2, stanza(lambda n: f"<message from='{'a' * n}@{DOMAIN}'><body>x</body></message>")),
    "stanza, sender of marks": (STYLES, TEXT // 4, stanza(lambda n: f"<message from='a{chr(0x301) * n}@{DOMAIN}'><body>x</body></message>")),
    "stanza, errors": (
        STYLES,
        4_000,
        stanza(
            lambda n: f"<message from='eve@{DOMAIN}' type='error'><error type='cancel'>"
            + "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" * n
            + "</error></message>"
        ),
    ),
    "stanza, secrets": (STYLES[-1:], ELEMENTS, message(lambda n: f"<x xmlns='u'>{'<password>p</password>' * n}</x>")),
    "stanza, secret deep within": (
        STYLES[-1:],
        ELEMENTS,
        message(lambda n: "<x xmlns='u'>" * 200 + "<token>t</token>" + many(n, lambda i: f"<a{i}/>") + "</x>" * 200),
    ),
    "stanza, the password": (STYLES, ELEMENTS // 2, message(lambda n: "<x xmlns='u'>" + f"<a b='{PASSWORD}'>{PASSWORD}</a>" * n + "</x>")),
    "stanza, nearly the password": (STYLES, ELEMENTS, message(lambda n: f"<body>{PASSWORD[:-1] * n}</body>")),
    "presence, statuses": (STYLES, ELEMENTS, presence(lambda n: many(n, lambda i: f"<status xml:lang='l{i}'>b</status>"))),
    "presence, status codes": (
        STYLES,
        ELEMENTS,
        presence(lambda n: "<x xmlns='http://jabber.org/protocol/muc#user'>" + many(n, lambda i: f"<status code='{i}'/>") + "</x>"),
    ),
    "answer, names": (SENT, ELEMENTS, answer(lambda n: "<query xmlns='u'>" + many(n, lambda i: f"<a{i}/>") + "</query>")),
}


class Server:
    """A server on loopback that plays one shape of one size to each client."""

    def __init__(self, folder):
        self.play = None
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
            + ["-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}"]
            + ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"],
            check=True,
            capture_output=True,
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.converse, args=(client,), daemon=True).start()

    def converse(self, client):
        try:
            client.settimeout(60)
            with self.context.wrap_socket(client, server_side=True) as line:
                self.play(Conversation(line))
        except (OSError, EOFError):
            pass  # The client has seen enough.


class Bench:
    def __init__(self, xmppctl, measure, folder):
        self.xmppctl, self.measure, self.folder = xmppctl, measure, folder
        self.server = Server(folder)

    def run(self, command, play):
        """CPU time in seconds, the least of two runs; memory in KiB; exit status."""
        self.server.play = play
        words = [self.xmppctl, *command, "--jid", f"bob@{DOMAIN}", "--max-time", "60", "--tls", "direct"]
        words += ["--connect-to", f"127.0.0.1:{self.server.port}", "--cacert", f"{self.folder}/certificate.pem"]
        script = '"$@" >/dev/null 2>"$0.errors"; echo $? >"$0"'
        times, memory = [], 0
        for _ in range(2):
            read, write = os.pipe()
            stdin = f"<iq id='q' type='get' to='{DOMAIN}'><query xmlns='u'/></iq>"
            with open(f"{self.folder}/input", "w") as file:
                file.write(stdin)
            with open(f"{self.folder}/input") as file:
                subprocess.run(
                    ["sh", "-c", 'exec "$@" 3>&' + str(write), "sh", self.measure, "1", "sh", "-c", script]
                    + [f"{self.folder}/status", *words],
                    stdin=file,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[write],
                    env={**os.environ, "XMPPCTL_PASSWORD": PASSWORD},
                    check=True,
                )
            os.close(write)
            with os.fdopen(read) as file:
                _, cpu, most = map(int, file.read().split())
            times.append(cpu / 1e6)
            memory = max(memory, most)
        with open(f"{self.folder}/status") as file:
            return min(times), memory, int(file.read())

    def errors(self):
        with open(f"{self.folder}/status.errors", errors="replace") as file:
            return file.read()[-300:]


def main(xmppctl, measure, *wanted):
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(xmppctl, measure, folder)
        print(f"{'shape':30} {'command':38} {'sizes':>22}  {'milliseconds':>20}  {'factor':>6}  {'MiB':>5}")
        for name, (commands, first, play) in SHAPES.items():
            if wanted and not any(word in name for word in wanted):
                continue
            for command in commands:
                least, memory = [], 0
                # What else the machine does can only add to a time, so one that is suspicious is measured again.
                for _ in range(4):
                    results = [bench.run(command, lambda line, size=size: play(line, size)) for size in [1, *sizes(first)]]
                    times = [time for time, _, _ in results]
                    least = [min(pair) for pair in zip(least or times, times)]
                    memory = max(memory, *(most for _, most, _ in results))
                    spent = [max(0.0, time - least[0]) for time in least[1:]]
                    factor = spent[2] / spent[1] if spent[1] > 0 else 0
                    grows = spent[2] >= NOTICEABLE and factor > LIMIT
                    if not grows:
                        break
                bad = results[-1][2] in (70, 75) or results[-1][2] > 81
                print(
                    f"{name:30} {' '.join(command):38} {'/'.join(map(str, sizes(first))):>22}"
                    f"  {'/'.join(f'{time * 1000:.0f}' for time in spent):>20}  {factor:6.1f}  {memory / 1024:5.1f}",
                    flush=True,
                )
                for is_wrong, what in (
                    (grows, f"grows by more than {LIMIT}"),
                    (memory > CEILING, f"has more than {CEILING >> 10} MiB"),
                    (bad, f"ends with {results[-1][2]}: {bench.errors()}"),
                ):
                    if is_wrong:
                        failed = True
                        print(f"growth: {name}, {' '.join(command)}: {what}", file=sys.stderr)
    return failed


sys.exit(main(*sys.argv[1:]))
