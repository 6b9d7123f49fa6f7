import Foundation

/// A file that is there as long as the object lives.
public final class TemporaryFile: Sendable {
  /// Where it is.
  public let path: String

  /// Writes the text to a new file.
  public init(_ text: String) throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("xmppctl-\(UUID().uuidString)").path
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
