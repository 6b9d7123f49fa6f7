/// What a run learnt on its way, whether it arrived or not: plain values, filled in as the way is gone.
public struct Report: Sendable {
  /// The domain asked for, in Unicode.
  public var domain: String
  /// The endpoint in use, once a socket to it is open.
  public var endpoint: Endpoint?
  /// The network address in use.
  public var address: String?
  /// The endpoints tried, in order.
  public var attempts: [Attempt] = []
  /// Where servers sent the run, in order.
  public var redirections: [Redirection] = []
  /// TLS and the certificate, once the handshake is through.
  public var tls: TLSDescription?
  /// The server's certificate and what was made of it.
  public var certificate: CertificateDescription?
  /// Each stream opened, with its features.
  public var stages: [StreamStage] = []
  /// The login, once it was tried.
  public var authentication: AuthenticationReport?
  /// The full JID, once a resource is bound.
  public var jid: JID?
  /// What the session can do, where that was asked.
  public var session: SessionReport?
  /// How many times smaller the traffic was on the wire, where it was compressed.
  public var compressionRatio: Double?
  /// How long each part of the way took.
  public var timings = Timings()
  /// Why it did not arrive.
  public var failure: Failure?

  /// Nothing learnt yet.
  public init(domain: String) { self.domain = domain }
}

/// How a login went.
public struct AuthenticationReport: Sendable {
  /// The mechanisms offered, in the server's order.
  public var offered: [String]
  /// The one used; `nil` where none would do.
  public var mechanism: String?
  /// What the login was bound to; `nil` where it was not.
  public var channelBinding: ChannelBindingType?
  /// The mechanisms that would not do, and why.
  public var skipped: [MechanismChoice.Skipped]
  /// Whether it went by SASL2 (XEP-0388).
  public var usesSASL2: Bool
  /// Whether the server proved that it knows the password too; `nil` before success.
  public var isServerAuthenticated: Bool?

  init(_ choice: MechanismChoice, _ offer: SASLOffer, sasl2: Bool) {
    offered = offer.mechanisms
    mechanism = choice.mechanism
    if case .bound(let type) = choice.binding { channelBinding = type }
    skipped = choice.skipped
    usesSASL2 = sasl2
  }
}

/// What a bound session can do: how the server answered the wish for stream management (XEP-0198).
public struct SessionReport: Sendable, Equatable {
  /// What the server gives; its raw value is the JSON value.
  public enum StreamManagement: String, Sendable {
    /// It counts, and keeps the session for a while after the connection is lost.
    case resumable
    /// It counts.
    case enabled
    /// It offered to, and does not.
    case refused
  }

  /// What the server gives.
  public var streamManagement: StreamManagement
  /// How many seconds it keeps the session, where it says so.
  public var resumeSeconds: Int?
  /// Where it would like to be come back to, as `HOST[:PORT]`.
  public var resumeLocation: String?

  init(_ management: XMPP.StreamManagement<Never>) {
    streamManagement = !management.isOn ? .refused : management.resumption == nil ? .enabled : .resumable
    resumeSeconds = management.resumption?.seconds
    resumeLocation = management.resumption?.location
  }
}

/// One endpoint tried.
public struct Attempt: Sendable {
  /// Where it went.
  public var endpoint: Endpoint
  /// The address that answered, where one did.
  public var address: String?
  /// How long each part took.
  public var timings = Timings()
  /// TLS, if its handshake succeeded.
  public var tls: TLSDescription?
  /// The server's certificate and what was made of it.
  public var certificate: CertificateDescription?
  /// Why it is not the one in use.
  public var failure: Failure?
}

/// One stream of the several a connection goes through (RFC 6120 §4.3.3).
public struct StreamStage: Sendable {
  /// What protects the stream, or what has been agreed on it.
  public enum Kind: String, Sendable {
    case plain, tls, authenticated, compressed
  }

  /// Which of them it is.
  public var kind: Kind
  /// The response stream header.
  public var header: StreamHeader
  /// Its features; `nil` where they were not waited for.
  public var features: StreamFeatures?
  /// Whether it is no stream of its own: a login by SASL2 goes on in the stream before (XEP-0388).
  var continuesStream = false
}

/// The parts of the way, in milliseconds; absent where that part was not gone.
public struct Timings: Sendable, Equatable {
  /// One part of the way.
  public enum Part: String, Sendable, CaseIterable {
    case dns, tcp, proxy, starttls, tls, stream, auth, bind, total
  }

  private var spent: [Part: Double] = [:]

  /// Milliseconds of one part; what is set again is added up.
  public subscript(part: Part) -> Double? {
    get { spent[part] }
    set { spent[part] = newValue }
  }

  /// Nothing yet.
  public init() {}

  /// Adds milliseconds to a part.
  mutating func add(_ part: Part, _ milliseconds: Double) { spent[part, default: 0] += milliseconds }

  /// Adds the time since `start` to a part.
  mutating func add(_ part: Part, since start: Deadline) {
    add(part, Deadline.now.milliseconds(since: start))
  }
}
