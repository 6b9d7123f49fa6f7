import Glibc

/// The one place where a run waits: every `poll` goes through here, so that the run's deadline and its signals hold at
/// every stage, whatever a server does.
public struct Waiter: Sendable {
  /// When waiting ends with a failure. What is left of the run's time then is for closing the stream and for saying what
  /// happened.
  public let deadline: Deadline
  /// When the run has to be over.
  private let end: Deadline
  /// The limit as the user gave it, for the message; seconds.
  public let limit: Double?
  /// The signals that end the run, if it listens for them.
  public let interrupts: Interrupts?

  /// The part of the limit that is kept for closing, and its maximum in seconds.
  private static let closingShare = 0.1
  private static let longestClosing = 1.0

  /// - Parameter seconds: the limit of the whole run from now on, closing included; `nil` is none.
  public init(seconds: Double?, interrupts: Interrupts? = nil) {
    end = seconds.map(Deadline.after(seconds:)) ?? .never
    limit = seconds
    deadline = end.earlier(
      bySeconds: min(Waiter.longestClosing, (seconds ?? 0) * Waiter.closingShare))
    self.interrupts = interrupts
  }

  private init(until end: Deadline, limit: Double?, interrupts: Interrupts?) {
    (deadline, self.end, self.limit, self.interrupts) = (end, end, limit, interrupts)
  }

  /// For what is done at the end of a run: the same signals, and `seconds` from now on, but no more than is left of the run.
  public func closing(within seconds: Double) -> Waiter {
    Waiter(until: min(end, .after(seconds: seconds)), limit: limit, interrupts: interrupts)
  }

  /// Waits until a descriptor is ready or `moment` has come.
  ///
  /// - Parameters:
  ///   - descriptors: what to wait for; their `revents` are set.
  ///   - moment: when to give up waiting without an error.
  ///   - doing: what the run is waiting for, to complete the sentence "no answer within 3 s while …".
  /// - Returns: how many descriptors are ready; 0 when `moment` came first.
  /// - Throws: when the run's deadline passed or a signal asked it to end.
  public func wait(
    for descriptors: inout [pollfd], until moment: Deadline = .never, doing: @autoclosure () -> String
  ) throws(Failure) -> Int {
    let own = descriptors.count
    if let interrupts {
      descriptors.append(pollfd(fd: interrupts.descriptor, events: Int16(POLLIN), revents: 0))
    }
    defer { descriptors.removeLast(descriptors.count - own) }
    while true {
      let ready = poll(&descriptors, nfds_t(descriptors.count), min(moment, deadline).pollTimeout)
      if ready < 0 {
        if errno == EINTR { continue }
        // Where the system has no memory for it, no more is to be had from the line; all else is ours.
        throw Failure(
          .tcp, "poll-failed", "poll: \(String(cString: strerror(errno)))",
          status: errno == ENOMEM ? .noConnection : .internalError)
      }
      if let interrupts, descriptors[own].revents != 0, let status = interrupts.take() {
        throw Failure.interrupted(status, while: doing())
      }
      if deadline.hasPassed { throw expired(while: doing()) }
      if ready > 0 || moment.hasPassed { return Int(ready) }
    }
  }

  /// Looks at the clock and at the signals without waiting, for a run that has so much to do that it never waits.
  ///
  /// - Throws: when the run's deadline passed or a signal asked it to end.
  public func check(doing: @autoclosure () -> String) throws(Failure) {
    if let status = interrupts?.take() { throw Failure.interrupted(status, while: doing()) }
    if deadline.hasPassed { throw expired(while: doing()) }
  }

  /// The failure of a run whose deadline has passed.
  public func expired(while doing: String) -> Failure {
    let limit = limit.map { " within \(seconds($0)) s" } ?? " in time"
    return Failure(
      .timeout, "max-time", "no answer\(limit) while \(doing)",
      remedy: .longerRun, status: .timeout)
  }
}

/// A number of seconds without a needless fraction: `3`, `0.5`.
func seconds(_ value: Double) -> String {
  value == value.rounded() && value < 1e15 ? String(Int(value)) : String(value)
}

extension Failure {
  /// Whether a signal ended the run.
  public var isInterruption: Bool { stage == .interrupted }

  /// A run ended by a signal.
  static func interrupted(_ status: ExitStatus, while doing: String) -> Failure {
    let signal =
      switch status {
      case .hangup: "SIGHUP"
      case .quit: "SIGQUIT"
      case .terminated: "SIGTERM"
      default: "SIGINT"
      }
    return Failure(.interrupted, "interrupted", "\(signal) while \(doing)", status: status)
  }
}
