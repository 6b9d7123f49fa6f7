import Glibc

/// A moment on the monotonic clock, or never.
public struct Deadline: Sendable, Comparable {
  /// Nanoseconds of `CLOCK_MONOTONIC`; the largest value is never.
  public let nanoseconds: UInt64

  /// A moment that does not come.
  public static let never = Deadline(nanoseconds: .max)

  /// The present moment.
  public static var now: Deadline {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Deadline(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  /// The moment `seconds` from now. What is beyond the clock's reach is never; what is negative or not a number is now.
  public static func after(seconds: Double) -> Deadline { now.advanced(bySeconds: seconds) }

  /// The moment `seconds` later. What is beyond the clock's reach is never; what is negative or not a number is no later.
  public func advanced(bySeconds seconds: Double) -> Deadline {
    guard self != .never, seconds > 0 else { return self }
    guard seconds < 1e9 else { return .never }
    return Deadline(nanoseconds: nanoseconds + UInt64(seconds * 1e9))
  }

  /// The moment `seconds` earlier; never stays never.
  func earlier(bySeconds seconds: Double) -> Deadline {
    guard self != .never, seconds > 0, seconds < 1e9 else { return self }
    let step = UInt64(seconds * 1e9)
    return Deadline(nanoseconds: nanoseconds > step ? nanoseconds - step : 0)
  }

  /// Whether it has come.
  public var hasPassed: Bool { self != .never && Deadline.now >= self }

  /// What `poll` wants: milliseconds left, rounded up; 0 when it has come, -1 for never.
  public var pollTimeout: Int32 {
    guard self != .never else { return -1 }
    let now = Deadline.now.nanoseconds
    guard nanoseconds > now else { return 0 }
    return Int32(clamping: (nanoseconds - now + 999_999) / 1_000_000)
  }

  /// Milliseconds from an earlier moment to this one.
  public func milliseconds(since earlier: Deadline) -> Double {
    guard nanoseconds > earlier.nanoseconds else { return 0 }
    return Double(nanoseconds - earlier.nanoseconds) / 1e6
  }

  /// The earlier moment comes first.
  public static func < (left: Deadline, right: Deadline) -> Bool { left.nanoseconds < right.nanoseconds }
}
