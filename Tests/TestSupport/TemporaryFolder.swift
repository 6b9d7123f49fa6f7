import Foundation

/// A folder of a test's own, gone with the last reference to it.
public final class TemporaryFolder: Sendable {
  /// Its absolute path.
  public let path: String

  /// The same as a URL.
  public var url: URL { URL(fileURLWithPath: path, isDirectory: true) }

  /// Makes an empty folder that only its owner can read.
  public init() throws {
    var template = Array((NSTemporaryDirectory() + "xmppctl-test-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw SupportFailure(systemCall: "mkdtemp") }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of something in it, whether that exists or not.
  public func path(_ name: String) -> String { path + "/" + name }

  /// Writes a file, with the folders above it, and says where it is.
  @discardableResult
  public func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
    let file = URL(fileURLWithPath: path(name))
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file, options: .atomic)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    if mode & 0o100 != 0 { try replaceByCopy(file) }
    return file.path
  }

  /// Puts a copy in the place of a file to be executed, written by another process. A program that another test starts while
  /// this process has the file open for writing holds it open too, for a moment: the file could not be executed then (ETXTBSY).
  private func replaceByCopy(_ file: URL) throws {
    let copy = file.path + ".copy"
    let outcome = try Program("/bin/cp").run(["-p", file.path, copy])
    guard outcome.status == 0, rename(copy, file.path) == 0 else {
      throw SupportFailure("cp: \(outcome.error)")
    }
  }

  /// A file's text; what is not UTF-8 is replaced.
  public func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path(name))), as: UTF8.self)
  }
}
