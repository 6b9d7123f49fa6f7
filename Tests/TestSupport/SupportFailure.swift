import Glibc

/// Why a helper of the tests could not do its work, with what is needed to understand it from a log.
public struct SupportFailure: Error, CustomStringConvertible {
  /// What happened.
  public let description: String

  /// A failure with its whole story.
  public init(_ description: String) { self.description = description }

  /// A system call that failed, with the words for `errno`.
  init(systemCall name: String, _ code: Int32 = errno) {
    self.init("\(name): \(String(cString: strerror(code)))")
  }
}
