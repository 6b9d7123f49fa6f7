import XMPP

/// Which release this is.
enum Version {
  /// The release.
  static let number = "0.1.0"

  /// Name and release.
  static let text = "xmppctl \(number)"

  /// What `--version` says: that, and the libraries in use. The commit is not in it: whatever carries it into the code
  /// either changes the source tree or makes all of it be compiled anew.
  static var report: String {
    let libraries = LibraryVersions.current.all.map { "\($0.name) \($0.version)" }
    return text + "\n" + libraries.joined(separator: ", ")
  }
}
