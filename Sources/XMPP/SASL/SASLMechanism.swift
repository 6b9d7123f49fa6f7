/// The client's side of one SASL exchange (RFC 4422): bytes in, bytes out, no I/O.
///
/// A failure ends it; whoever goes on after one gets only failures.
protocol SASLMechanism {
  /// The registered name.
  var name: String { get }

  /// What goes out with the name; `nil` where the server speaks first. Empty is not `nil`: the wire has it as
  /// `=`.
  mutating func initialResponse() throws(Failure) -> [UInt8]?

  /// The answer to a challenge.
  mutating func respond(to challenge: [UInt8]) throws(Failure) -> [UInt8]

  /// The server says that it is done, with what it may have added. A return means that this is true as far as
  /// the mechanism can tell.
  mutating func finish(with additionalData: [UInt8]?) throws(Failure)
}

extension Failure {
  /// The login failed.
  static func authentication(_ condition: String, _ message: String, remedy: Remedy? = nil) -> Failure {
    Failure(.auth, condition, message, remedy: remedy, status: .authentication)
  }

  /// The server did in a login what no server may do.
  static func authenticationProtocol(_ condition: String, _ message: String) -> Failure {
    Failure(.auth, condition, message, status: .protocolViolation)
  }

  /// Success before the exchange was through.
  static func earlySuccess(_ mechanism: String) -> Failure {
    .authenticationProtocol("early-success", "the server reported success before \(mechanism) was through")
  }

  /// A challenge where the mechanism has none.
  static func unexpectedChallenge(_ mechanism: String) -> Failure {
    .authenticationProtocol("unexpected-challenge", "the server sent a challenge where \(mechanism) has none")
  }
}

/// The exchange of the mechanisms in which only the client speaks, and only once.
struct SingleMessageExchange {
  private enum State {
    case start
    case sent
    case done
  }

  let name: String
  private var state = State.start

  init(_ name: String) { self.name = name }

  /// Marks the message as sent.
  mutating func send() throws(Failure) {
    guard case .start = state else { throw .unexpectedChallenge(name) }
    state = .sent
  }

  /// Takes success, which carries nothing here.
  mutating func finish(with additionalData: [UInt8]?) throws(Failure) {
    guard case .sent = state else { throw .earlySuccess(name) }
    guard additionalData?.isEmpty ?? true else {
      throw .authenticationProtocol(
        "unexpected-data", "the server sent data with success where \(name) has none")
    }
    state = .done
  }
}
