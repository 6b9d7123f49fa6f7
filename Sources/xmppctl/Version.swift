/// What `--version` says.
enum Version {
  /// The release.
  static let number = "0.1.0"

  /// Name and release.
  static let text = "xmppctl \(number)"
}
