/// The attributes of a response stream header (RFC 6120 §4.7).
public struct StreamHeader: Sendable, Equatable {
  /// The stream ID the receiving entity made.
  public var id: String?
  /// Who the receiving entity says it is.
  public var from: String?
  /// Who it takes the initiating entity to be.
  public var to: String?
  /// The version of XMPP; absent from servers older than RFC 3920.
  public var version: String?
  /// The default language of the stream's human-readable text.
  public var language: String?

  /// Reads the root of a response stream.
  ///
  /// - Throws: `bad-format` or `invalid-namespace` where the root is no stream header (RFC 6120 §4.9.3.1, §4.9.3.10).
  init(root: Element) throws(Failure) {
    guard root.is("stream", Namespace.stream) else {
      guard root.name.isSame(as: "stream") else {
        throw .protocolViolation(
          "bad-format", "the server answered with <\(root.name)>, which is not an XMPP stream")
      }
      throw .protocolViolation(
        "invalid-namespace",
        "the stream header is in the namespace “\(root.namespace)”, not “\(Namespace.stream)”")
    }
    id = root.attribute("id")
    from = root.attribute("from")
    to = root.attribute("to")
    version = root.attribute("version")
    language = root.language
  }

  /// Checks the default namespace that a response header declares (RFC 6120 §4.8.2).
  ///
  /// That of `<stream/>` itself is fine: then each stanza declares its own.
  ///
  /// - Throws: `invalid-namespace` for the namespace of servers or components.
  static func check(content namespace: String) throws(Failure) {
    guard ![Namespace.client, Namespace.stream, ""].contains(where: { namespace.isSame(as: $0) }) else {
      return
    }
    let isForServers = namespace.isSame(as: "jabber:server")
    throw .protocolViolation(
      "invalid-namespace",
      "the stream has the namespace “\(namespace.shortened(to: 100))”, not “\(Namespace.client)”",
      hint: isForServers ? "this is a server-to-server port; clients use 5222" : nil)
  }

  /// Whether the server is older than XMPP 1.0 and so sends no stream features (RFC 6120 §4.7.5: no version is 0.9).
  var predatesFeatures: Bool { majorVersion == 0 }

  /// The number before the dot; 0 where there is no version, `nil` where it is no number.
  private var majorVersion: Int? {
    guard let version else { return 0 }
    let parts = version.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 2, let major = UInt16(Substring(parts[0])), UInt16(Substring(parts[1])) != nil
    else { return nil }
    return Int(major)
  }

  /// Holds the header against what was asked for.
  ///
  /// An absent `from` passes, as RFC 3920 had it; one that names another domain does not (RFC 6120 §4.7.1). The stream
  /// ID must be there (§4.7.3) and the version one we speak (§4.7.5).
  func check(domain: JID) throws(Failure) {
    guard let majorVersion, majorVersion <= 1 else {
      throw .protocolViolation(
        "unsupported-version",
        "the server's stream is of version “\(version ?? "")”; this is an XMPP 1.0 client")
    }
    if let from {
      guard let sender = try? JID(parsing: from), sender.localpart == nil, sender.resourcepart == nil,
        sender.domainpart.utf8.elementsEqual(domain.domainpart.utf8)
      else {
        throw .protocolViolation(
          "invalid-from", "the stream was opened to \(domain.domainpart), but “\(from)” answered")
      }
    }
    guard let id, !id.isEmpty else {
      throw .protocolViolation("bad-format", "the server's stream header has no id (RFC 6120 §4.7.3)")
    }
  }
}
