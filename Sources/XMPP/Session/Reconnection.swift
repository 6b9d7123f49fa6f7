/// When a session that was lost is tried again, and after what pause (RFC 6120 §3.3). No I/O, no clock: the caller waits.
///
/// It is for sessions that have been open once: what never worked is told at once, not tried all night.
public struct Reconnection: Sendable {
  /// No pause is longer; seconds.
  public let longest: Double
  /// The bound of the first pause; seconds.
  private let shortest: Double
  /// The bound of the next pause; seconds.
  private var bound: Double
  /// Whether the session is tried again whatever the server did, save what will be the same for ever.
  private let isPersistent: Bool

  /// - Parameters:
  ///   - shortest: the bound of the first pause, seconds.
  ///   - longest: the bound that the pauses grow to, seconds.
  ///   - isPersistent: whether also a server that breaks the rules, or that ends the stream with an error against the client, is
  ///     tried again. For who listens: what is wrong once may come right, and nobody is there to begin anew.
  public init(shortest: Double = 0.5, longest: Double = 60, isPersistent: Bool = false) {
    self.isPersistent = isPersistent
    self.shortest = shortest
    self.longest = longest
    bound = shortest
  }

  /// How long to wait before the next attempt, in seconds; `nil` where there should be none.
  ///
  /// The bound doubles each time, and half of it is left to chance, so that a server that comes back is not met by all
  /// its clients at once. It starts anew when the session held for longer than the last pause could be: one that is let
  /// in and thrown out again gets slower all the same.
  ///
  /// - Parameters:
  ///   - failure: why the session, or the attempt at one, ended.
  ///   - seconds: how long the session had been open; 0 where it was not.
  ///   - chance: how much of the half that is left to it, from 0 to 1.
  public mutating func pause(
    after failure: Failure, heldFor seconds: Double, chance: Double = .random(in: 0...1)
  ) -> Double? {
    guard failure.isWorthAnotherAttempt(isPersistent: isPersistent) else { return nil }
    if seconds > bound { bound = shortest }
    defer { bound = min(longest, bound * 2) }
    return bound / 2 * (1 + chance)
  }
}

extension Failure {
  /// Whether the same may go well a while later. Not after a conflict, where two would throw each other out for ever,
  /// nor after a failed login or a rejected certificate; nor, unless `isPersistent`, if the server's XML or ours is at fault.
  func isWorthAnotherAttempt(isPersistent: Bool) -> Bool {
    switch status {
    case .noConnection, .noHost, .tls: true
    case .timeout: Failure.slow.contains { $0.isSame(as: condition) }
    case .protocolViolation:
      isPersistent
        ? !condition.isSame(as: "conflict") : Failure.passing.contains { $0.isSame(as: condition) }
    case .authentication: condition.isSame(as: "temporary-auth-failure")
    case .bind:
      condition.isSame(as: "resource-constraint") || isPersistent && condition.isSame(as: "conflict")
    case .ok, .refused, .usage, .data, .noInput, .internalError, .output, .configuration, .certificate,
      .hangup, .interrupted, .quit, .terminated:
      false
    }
  }

  /// Times that ran out, save the run's own.
  private static let slow = ["connect-timeout", "dns-timeout", "answer-timeout"]

  /// Stream errors that say nothing against the client (RFC 6120 §4.9.3). A server that is starting may not know its
  /// hosts yet.
  private static let passing = [
    "system-shutdown", "reset", "connection-timeout", "internal-server-error", "remote-connection-failed",
    "resource-constraint", "see-other-host", "host-unknown",
  ]
}
