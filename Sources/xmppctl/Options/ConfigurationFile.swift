import Glibc
import XMPP

extension Configuration {
  /// The most a configuration file may hold; bytes.
  private static let limit = 1 << 20

  /// Reads the file that `--config` or the environment names, else the one in its usual place, which may be absent.
  ///
  /// - Throws: status 78 where a named file cannot be read, a file must not be trusted, or is wrong.
  static func load(named path: String?, _ environment: LoginEnvironment) throws(Failure) -> Configuration {
    guard let file = path ?? environment.config ?? environment.usualConfiguration else {
      return Configuration(absent: "~/.config/xmppctl/config.json5")
    }
    // Not blocking: a FIFO would wait for somebody to write.
    let descriptor = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    let isNamed = path != nil || environment.config != nil
    if descriptor < 0, !isNamed, errno == ENOENT || errno == ENOTDIR { return Configuration(absent: file) }
    guard descriptor >= 0 else { throw unreadable(file) }
    defer { close(descriptor) }

    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else { throw unreadable(file) }
    try check(facts, file)
    var bytes = try read(descriptor, facts.st_size, file)
    defer { _ = Secret(wiping: &bytes) }
    let configuration = try Configuration(bytes, file: file, home: environment.home)
    if configuration.holdsPassword, facts.st_mode & 0o077 != 0 {
      throw .configuration(
        "insecure-permissions", "\(file): it holds a password and others may access it",
        hint: "chmod 600 \(file)")
    }
    return configuration
  }

  /// Whoever can write the file chooses the command that is run and the server that gets the password.
  ///
  /// - Throws: status 78 for what is no regular file, is not the user's or root's, or can be written by anybody.
  static func check(_ facts: stat, _ file: String, user: uid_t = geteuid()) throws(Failure) {
    guard facts.st_mode & S_IFMT == S_IFREG else {
      throw .configuration("not-a-file", "\(file): it is not a regular file")
    }
    guard facts.st_uid == user || facts.st_uid == 0 else {
      throw .configuration("wrong-owner", "\(file): it belongs to another user (\(facts.st_uid))")
    }
    guard facts.st_mode & S_IWOTH == 0 else {
      throw .configuration("insecure-permissions", "\(file): anybody may write it", hint: "chmod 600 \(file)")
    }
  }

  /// Reads a file of `size` bytes.
  private static func read(_ descriptor: Int32, _ size: off_t, _ file: String) throws(Failure) -> [UInt8] {
    guard size <= limit else { throw .configuration("too-big", "\(file): it is bigger than 1 MiB") }
    // One allocation, as growing would leave copies of a password behind; one byte more, to meet the end.
    var bytes = [UInt8](repeating: 0, count: Int(size) + 1)
    var count = 0
    while count < bytes.count {
      let more = bytes.withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
      }
      if more < 0, errno == EINTR { continue }
      guard more >= 0 else { throw unreadable(file) }
      if more == 0 { break }
      count += more
    }
    guard count == size else { throw .configuration("unreadable", "\(file): it changed while it was read") }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  private static func unreadable(_ file: String) -> Failure {
    .configuration("unreadable", "\(file): \(String(cString: strerror(errno)))")
  }
}
