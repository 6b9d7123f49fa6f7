import CLinux
import Glibc

/// Reading from file descriptors by a deadline.
enum Descriptor {
  /// Both ends of a pipe that no other child inherits.
  static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard pipe2(&ends, Int32(O_CLOEXEC)) == 0 else { throw SupportFailure(systemCall: "pipe2") }
    return (ends[0], ends[1])
  }

  /// What `poll` wants: milliseconds to a moment, rounded up.
  static func pollTimeout(_ end: ContinuousClock.Instant) -> Int32 {
    let left = end - .now
    guard left > .zero else { return 0 }
    return Int32(
      clamping: left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1)
  }

  /// Waits for the first of some descriptors; which were ready, or none when the moment came first.
  static func wait(_ descriptors: inout [pollfd], until end: ContinuousClock.Instant) -> Bool {
    while true {
      let ready = poll(&descriptors, nfds_t(descriptors.count), pollTimeout(end))
      if ready > 0 { return true }
      if ready == 0 && ContinuousClock.now >= end { return false }
    }
  }

  /// The bytes that come next: none at the end, `nil` when the moment came first.
  static func read(_ descriptor: Int32, until end: ContinuousClock.Instant) throws -> [UInt8]? {
    var waited = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
    return wait(&waited, until: end) ? try readNow(descriptor) : nil
  }

  /// The bytes that are there; none at the end.
  static func readNow(_ descriptor: Int32) throws -> [UInt8] {
    let size = 65_536
    var failure: SupportFailure?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      let result = Glibc.read(descriptor, buffer.baseAddress, size)
      count = max(result, 0)
      if result < 0 && errno != ECONNRESET { failure = SupportFailure(systemCall: "read") }
    }
    if let failure { throw failure }
    return bytes
  }
}
