import TestSupport

/// A server's lines for `example.org`, and the steps of a script made of them.
enum Dialogue {
  /// A stream header with these attributes besides the namespaces.
  static func header(_ attributes: String = "id='s1' from='example.org' version='1.0'") -> String {
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
      + attributes + ">"
  }

  static func features(_ content: String) -> String { "<stream:features>\(content)</stream:features>" }

  static let startTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
  static let plain =
    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
  static let proceed = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
  static let end = "</stream:stream>"

  static func error(_ content: String) -> String { "<stream:error>\(content)</stream:error>" }

  static func condition(_ name: String, _ text: String = "") -> String {
    "<\(name) xmlns='urn:ietf:params:xml:ns:xmpp-streams'>\(text)</\(name)>"
  }
}

extension [ScriptedPeer.Step] {
  /// Answers the first stream header, without STARTTLS and TLS.
  static func opened(_ text: String) -> Self { [.expectHeader, .send(text)] }

  /// Up to the request for STARTTLS.
  static let asked: Self =
    .opened(Dialogue.header() + Dialogue.features(Dialogue.startTLS)) + [.expectElement]

  /// Up to and with the handshake after STARTTLS.
  static func upgraded(_ server: TestTLSServer) -> Self { asked + [.send(Dialogue.proceed), .tls(server)] }

  /// A stream over TLS from the first byte, answered by this.
  static func direct(_ server: TestTLSServer, _ text: String) -> Self {
    [.tls(server), .expectHeader, .send(text)]
  }
}

extension ScriptedPeer {
  /// The options that lead to it, and nowhere else.
  func way(_ mode: String, _ others: [String] = []) -> [String] {
    ["--connect-to", "127.0.0.1:\(port)", "--tls", mode, "--max-time", "15"] + others + ["example.org"]
  }
}

/// The authority and the certificates that rows share.
enum Certificates {
  static var shared: TestCertificates { get throws { try store.get() } }
  private static let store = Result { try TestCertificates() }

  /// A server with a usual certificate for `example.org`.
  static var server: TestTLSServer { get throws { TestTLSServer(try usual.get()) } }
  private static let usual = Result { try shared.leaf("example.org") }

  /// The options to trust them.
  static var trusted: [String] { get throws { ["--cacert", try shared.authorityFile] } }
}

/// Whether a client was led no further than its stream header and the request for STARTTLS.
func isNothingButTheStream(_ sent: String) -> Bool {
  sent.wholeMatch(of: #/<\?xml[^>]*><stream:stream[^>]*>(<starttls [^>]*/>)?(</stream:stream>)?/#) != nil
}
