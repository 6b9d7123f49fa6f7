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
    try checkFolders(of: file)
    var bytes = try read(descriptor, facts.st_size, file)
    defer { _ = Secret(wiping: &bytes) }
    let configuration = try Configuration(bytes, file: file, home: environment.home)
    if configuration.holdsPassword, facts.st_mode & 0o077 != 0 {
      throw .configuration(
        "insecure-permissions", "\(file): it holds a password or a command and others may access it",
        hint: "chmod 600 \(shellPath(file))")
    }
    return configuration
  }

  /// Whoever can write the file chooses the command that is run and the server that gets the password.
  ///
  /// - Throws: status 78 for what is no regular file, is not the user's or root's, or can be written by others.
  static func check(_ facts: stat, _ file: String, user: uid_t = geteuid()) throws(Failure) {
    guard facts.st_mode & S_IFMT == S_IFREG else {
      throw .configuration("not-a-file", "\(file): it is not a regular file")
    }
    guard facts.st_uid == user || facts.st_uid == 0 else {
      throw .configuration("wrong-owner", "\(file): it belongs to another user (\(facts.st_uid))")
    }
    guard facts.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
      throw .configuration(
        "insecure-permissions", "\(file): others can write it", hint: "chmod 600 \(shellPath(file))")
    }
  }

  /// Anyone who can write to the folder can replace the file. If the file is a link, the folders of the link and of its
  /// target are checked.
  ///
  /// - Throws: status 78 for a folder that neither the user nor root owns, or that others can write to. A folder that only the
  ///   user's own group can write to is accepted, because many systems create folders like that; so is one with the sticky bit,
  ///   such as `/tmp`.
  private static func checkFolders(of file: String) throws(Failure) {
    var files = [file]
    if let end = realpath(file, nil) {
      files.append(String(cString: end))
      free(end)
    }
    for file in files {
      let name = file.utf8.lastIndex(of: UInt8(ascii: "/"))
      let folder = name.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? "."
      var facts = stat()
      guard stat(folder, &facts) == 0 else { throw unreadable(folder) }
      guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
        throw .configuration(
          "wrong-owner", "\(file): its folder \(folder) belongs to another user (\(facts.st_uid))")
      }
      let others = S_IWOTH | (facts.st_gid == getegid() ? 0 : S_IWGRP)
      guard facts.st_mode & others == 0 || facts.st_mode & S_ISVTX != 0 else {
        throw .configuration(
          "insecure-permissions", "\(file): others can replace it in \(folder)",
          hint: "chmod go-w \(shellPath(folder))")
      }
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
