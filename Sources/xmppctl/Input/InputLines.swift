import XMPP

/// Cuts input into lines as it comes. Only LF ends a line; the last one may lack it. What else is in a line, a CR or a NUL
/// included, is left as it is.
struct InputLines {
  /// A line and where it stood.
  struct Line: Equatable {
    /// Its bytes without the LF.
    let bytes: [UInt8]
    /// Counted from 1.
    let number: Int
  }

  /// The longest line that is taken.
  private let limit: Int
  private var pending: [UInt8] = []
  /// Up to where `pending` holds lines that were taken, and up to where it holds no LF.
  private var start = 0
  private var searched = 0
  private var count = 0

  /// - Parameter limit: bytes of a line; beyond what servers take, so that input without an end does not fill the memory.
  init(limit: Int = 3 << 19) { self.limit = limit }

  /// Adds bytes as they were read.
  mutating func feed(_ bytes: UnsafeRawBufferPointer) {
    pending.removeSubrange(..<start)
    searched -= start
    start = 0
    pending.append(contentsOf: bytes)
  }

  /// The next whole line; `nil` when more bytes are needed.
  ///
  /// - Throws: `line-too-long`.
  mutating func next() throws(Failure) -> Line? {
    guard let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
      searched = pending.count
      return try tooLong(pending.count)
    }
    _ = try tooLong(end)
    return line(to: end, next: end + 1)
  }

  /// The last line, once the input has ended: `nil` where it ended with an LF.
  mutating func end() -> Line? { start < pending.count ? line(to: pending.count, next: pending.count) : nil }

  private mutating func line(to end: Int, next: Int) -> Line {
    count += 1
    defer {
      start = next
      searched = next
    }
    return Line(bytes: Array(pending[start..<end]), number: count)
  }

  private func tooLong(_ end: Int) throws(Failure) -> Line? {
    guard end - start > limit else { return nil }
    throw Failure.input("line-too-long", "line \(count + 1) has more than \(limit) bytes")
  }
}

extension Failure {
  /// What the user gave cannot be sent.
  static func input(_ condition: String, _ message: String, hint: String? = nil) -> Failure {
    Failure(.input, condition, message, hint: hint, status: .data)
  }
}
