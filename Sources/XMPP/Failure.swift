/// How a run ends, as the number a script sees. Stable for ever; the values follow `sysexits.h` where it has a word for it.
public enum ExitStatus: Int32, Sendable, CaseIterable {
  case ok = 0
  /// The far side answered no: a stanza error, a bounce, a failed join.
  case refused = 1
  /// Options or arguments.
  case usage = 64
  /// Malformed input, found before anything is sent.
  case data = 65
  /// An input file cannot be read.
  case noInput = 66
  /// The name does not resolve, or the domain says that it offers no XMPP.
  case noHost = 68
  /// Refused, unreachable, reset, proxy; the connection was lost.
  case noConnection = 69
  /// A bug.
  case internalError = 70
  /// stdout or a file could not be written.
  case output = 74
  /// A deadline passed.
  case timeout = 75
  /// Not XMPP, broken XML, a stream error, an answer that the RFCs forbid.
  case protocolViolation = 76
  /// The login failed, or no acceptable mechanism.
  case authentication = 77
  /// The configuration file.
  case configuration = 78
  /// STARTTLS missing or refused, or the handshake failed.
  case tls = 79
  /// Not trusted, expired, wrong name, wrong pin.
  case certificate = 80
  /// The resource was refused.
  case bind = 81
  /// SIGHUP; the stream is closed first.
  case hangup = 129
  /// SIGINT; the stream is closed first.
  case interrupted = 130
  /// SIGQUIT; the stream is closed first.
  case quit = 131
  /// SIGTERM; the stream is closed first.
  case terminated = 143
}

/// Why a run did not reach its goal: where on the way, what it was, what to tell a person, what to try.
///
/// `message` and `hint` may quote what came from the network; whoever prints them escapes them.
public struct Failure: Error, Sendable, Equatable {
  /// The part of the way on which it happened; its raw value is the JSON key `error.stage`.
  public enum Stage: String, Sendable, CaseIterable {
    case usage, config, dns, tcp, proxy, starttls, tls, certificate, stream, auth, bind, stanza
    case output, input, timeout, interrupted
  }

  /// Where it happened.
  public var stage: Stage
  /// The cause as a word a script can compare: a condition of the RFCs where they have one (`host-unknown`),
  /// else one of ours (`connection-refused`).
  public var condition: String
  /// One sentence for a person, without the stage and without a final full stop.
  public var message: String
  /// What to try, where something can be done about it.
  public var hint: String?
  /// What to try, as a value that the executable turns into a hint. If this is set, `hint` is `nil`.
  public var remedy: Remedy?
  /// The exit status.
  public var status: ExitStatus
  /// At which server, and for whom, to go on behind the message: `at xmpp.example.org:5222`. `nil` where the message says
  /// it, or there is no server in it.
  public var place: String?

  /// A failure with every part given.
  public init(
    _ stage: Stage, _ condition: String, _ message: String, hint: String? = nil, remedy: Remedy? = nil,
    status: ExitStatus
  ) {
    self.stage = stage
    self.condition = condition
    self.message = message
    self.hint = hint
    self.remedy = remedy
    self.status = status
  }

  /// The far side did what the RFCs forbid.
  public static func protocolViolation(
    _ condition: String, _ message: String, hint: String? = nil, remedy: Remedy? = nil
  ) -> Failure {
    Failure(.stream, condition, message, hint: hint, remedy: remedy, status: .protocolViolation)
  }

  /// The same, at a server, for whoever logs in there. What is about no server, or names it already, stays as it is.
  ///
  /// - Parameter isConnected: whether there was a connection already; until then a failure of TCP names every address itself.
  func at(_ endpoint: Endpoint?, for account: JID? = nil, isConnected: Bool = false) -> Failure {
    var failure = self
    if let endpoint { failure.remedy = remedy?.at(endpoint) }
    guard place == nil, let endpoint else { return failure }
    switch stage {
    case .starttls, .tls, .certificate, .stream, .bind: failure.place = "at \(endpoint.place)"
    case .auth: failure.place = (account.map { "for \($0.bare) " } ?? "") + "at \(endpoint.place)"
    case .timeout where status == .timeout: failure.place = "at \(endpoint.place)"
    case .tcp where isConnected: failure.place = "at \(endpoint.place)"
    case .usage, .config, .dns, .tcp, .proxy, .stanza, .output, .input, .timeout, .interrupted: break
    }
    return failure
  }
}
