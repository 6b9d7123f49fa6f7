import XMPP

/// Whether the server is still there: after a silence it is asked, and what is not answered soon is lost. No I/O.
struct Watch {
  private let interval: Double
  private let patience: Double
  /// When the server was asked; never where it has been heard of since.
  private var asked = Deadline.never
  /// When to look again.
  private(set) var next = Deadline.never

  /// What to do.
  enum Verdict {
    case quiet, ask, lost
  }

  /// - Parameter interval: seconds of silence after which the server is asked.
  init(interval: Double) {
    self.interval = interval
    patience = min(interval, 30)
  }

  /// A new connection.
  mutating func begin() {
    asked = .never
    next = .now
  }

  /// Looks.
  ///
  /// - Parameters:
  ///   - heard: when the last byte came.
  ///   - isReading: whether what comes is read; where not, the answers cannot be seen, but the asking keeps the stream
  ///     alive.
  mutating func look(at heard: Deadline, isReading: Bool) -> Verdict {
    let now = Deadline.now
    if asked != .never, heard > asked { asked = .never }
    let limit = asked == .never ? heard.advanced(bySeconds: interval) : asked.advanced(bySeconds: patience)
    next = limit
    guard now >= limit else { return .quiet }
    if asked != .never, isReading, !wasBlind {
      return .lost
    }
    wasBlind = !isReading
    asked = now
    next = now.advanced(bySeconds: isReading ? patience : interval)
    return .ask
  }

  /// Whether the server was asked while its answer could not be read.
  private var wasBlind = false
}
