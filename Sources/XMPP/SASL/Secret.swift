/// A password. Its bytes are overwritten when nobody holds it any more, and nothing that prints values shows
/// them.
public final class Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
  // Written by the initializers alone, so it may cross threads.
  private nonisolated(unsafe) let storage: UnsafeMutableBufferPointer<UInt8>

  /// Takes the bytes over and overwrites where they were.
  public init(wiping bytes: inout [UInt8]) {
    storage = UnsafeMutableBufferPointer.allocate(capacity: bytes.count)
    _ = storage.initialize(from: bytes)
    wipe(&bytes)
  }

  deinit {
    wipe(storage)
    storage.deallocate()
  }

  /// Whether there is nothing in it.
  public var isEmpty: Bool { storage.isEmpty }

  /// Lends the bytes for the length of a call.
  public func withBytes<Result, Problem: Error>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(Problem) -> Result
  ) throws(Problem) -> Result {
    try body(UnsafeBufferPointer(storage))
  }

  /// Never the bytes.
  public var description: String { "(secret)" }

  /// Never the bytes.
  public var debugDescription: String { "(secret)" }

  /// Never the bytes.
  public var customMirror: Mirror { Mirror(self, children: [:]) }

  /// Prepared as SASLprep asks (RFC 4013).
  ///
  /// - Throws: `saslprep`.
  func prepared() throws(Failure) -> Secret {
    var raw = Array(storage)
    defer { wipe(&raw) }
    var prepared = try saslprep(raw, "password")
    return Secret(wiping: &prepared)
  }
}
