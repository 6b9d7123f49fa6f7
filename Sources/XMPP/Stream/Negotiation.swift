/// How far a run goes.
public enum Goal: Int, Sendable, Comparable {
  /// A stream that TLS protects (with `--tls none`: any stream), its header read.
  case secured
  /// That stream's features too.
  case featured
  /// Logged in, and the features that follow.
  case authenticated
  /// A resource bound.
  case bound

  /// A nearer goal comes first.
  public static func < (left: Goal, right: Goal) -> Bool { left.rawValue < right.rawValue }
}

/// The order of what is negotiated once a stream is as secure as it will be: a pure decision.
///
/// Compression comes after the login and before binding (XEP-0170 §2), the legacy session after binding (RFC 3921 §3).
struct Negotiation {
  /// One thing to do next.
  enum Step: Equatable {
    case authenticate
    case compress
    case bind
    case startSession
  }

  let goal: Goal
  let wantsCompression: Bool
  private(set) var done: Set<Step> = []

  init(goal: Goal, wantsCompression: Bool) {
    self.goal = goal
    self.wantsCompression = wantsCompression
  }

  /// The next step the goal asks for and the features allow; `nil` when the goal is reached.
  func next(_ features: StreamFeatures) -> Step? {
    if goal >= .authenticated, !done.contains(.authenticate) { return .authenticate }
    if wantsCompression, goal >= .authenticated, !done.contains(.compress), features.offersZlib {
      return .compress
    }
    guard goal == .bound else { return nil }
    if !done.contains(.bind) { return .bind }
    return features.requiresSession && !done.contains(.startSession) ? .startSession : nil
  }

  /// Notes what was done.
  mutating func finished(_ step: Step) { done.insert(step) }
}

extension StreamFeatures {
  /// Whether zlib is among the compression methods (XEP-0138).
  var offersZlib: Bool {
    feature("compression", Namespace.compressionFeature)?.values.contains("zlib") ?? false
  }

  /// Whether a session must be started after binding: servers that say `<optional/>`, or nothing of it, need none.
  var requiresSession: Bool { feature("session", Namespace.session).map { $0.required != false } ?? false }

  /// What is offered for logging in, by RFC 6120 or by XEP-0388.
  func offer(sasl2: Bool) -> SASLOffer {
    let mechanisms = sasl2 ? feature("authentication", Namespace.sasl2)?.values ?? [] : self.mechanisms
    return SASLOffer(
      mechanisms: mechanisms,
      channelBindings: feature("sasl-channel-binding", Namespace.channelBindings)?.values)
  }
}
