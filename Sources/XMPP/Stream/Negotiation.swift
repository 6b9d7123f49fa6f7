/// How far a run goes.
public enum Goal: Int, Sendable, Comparable {
  /// A stream that TLS protects (with `--tls none`: any stream), its header read.
  case secured
  /// That stream's features too.
  case featured
  /// Logged in.
  case authenticated
  /// A resource bound.
  case bound

  /// A nearer goal comes first.
  public static func < (left: Goal, right: Goal) -> Bool { left.rawValue < right.rawValue }
}
