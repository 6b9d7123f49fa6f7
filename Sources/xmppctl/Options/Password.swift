import Glibc
import XMPP

/// Where a password comes from.
enum PasswordSource {
  /// The first line of a file.
  case file(String)
  /// The first line of standard input.
  case standardInput
  /// The first line a shell command prints.
  case command(String)
  /// The environment or the configuration had it.
  case given(Secret)
  /// Whoever sits there is asked.
  case terminal
}

/// The password of a login, fetched when a mechanism first needs it and kept for reconnections.
final class Password {
  private let source: PasswordSource
  private let jid: JID
  private let echoes: EchoRedaction
  private var known: Secret?

  /// Nothing is read or asked yet.
  ///
  /// - Parameter echoes: is told the password once it is known.
  init(_ source: PasswordSource, of jid: JID, _ echoes: EchoRedaction = EchoRedaction()) {
    self.source = source
    self.jid = jid
    self.echoes = echoes
    // This one is held from the beginning, long before a mechanism needs it.
    if case .given = source { leaveNoCore() }
  }

  /// The password.
  ///
  /// - Throws: `no-password` (status 77) where nobody can be asked, `password-command` (77) where the command failed,
  ///   status 66 or 65 for a file that cannot be read or begins with an empty line.
  func secret(_ waiter: Waiter) throws(Failure) -> Secret {
    if let known { return known }
    leaveNoCore()
    let secret = try fetch(waiter)
    echoes.protect(secret, of: jid.bare.full)
    known = secret
    return secret
  }

  /// Whether it is the first line of standard input.
  var isOnInput: Bool {
    if case .standardInput = source { true } else { false }
  }

  /// Takes the password off standard input, where it comes first, so that the message behind it can be read.
  func claimInput(_ waiter: Waiter) throws(Failure) {
    if case .standardInput = source { _ = try secret(waiter) }
  }

  private func fetch(_ waiter: Waiter) throws(Failure) -> Secret {
    switch source {
    case .given(let secret): return secret
    case .file(let path): return try PasswordFile.read(path, waiter)
    case .standardInput: return try PasswordFile.read(STDIN_FILENO, "standard input", waiter)
    case .command(let command): return try PasswordCommand(command).run(waiter)
    case .terminal: return try PasswordPrompt().ask("Password for \(jid.bare): ", waiter)
    }
  }
}

/// Collects the first line of a password's source where it can be overwritten.
final class FirstLine {
  /// The longest password; bytes.
  static let limit = 4096

  private var bytes: [UInt8] = []
  private var buffer: [UInt8]
  /// Whether the line is whole, or nothing more will come.
  private(set) var isWhole = false

  /// - Parameter keepsRest: whether to take no byte behind the line, because the rest is for somebody else.
  init(keepsRest: Bool) {
    // Never grown, so that no copy is left behind.
    bytes.reserveCapacity(FirstLine.limit + 2)
    buffer = [UInt8](repeating: 0, count: keepsRest ? 1 : 4096)
  }

  deinit {
    _ = Secret(wiping: &bytes)
    _ = Secret(wiping: &buffer)
  }

  /// Reads once from a descriptor that is ready. What follows the line is dropped.
  ///
  /// - Returns: whether more may come; `nil` where nothing is there yet.
  /// - Throws: an input failure where it cannot be read.
  func read(_ descriptor: Int32, _ name: String) throws(Failure) -> Bool? {
    let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
    guard count >= 0 else {
      if errno == EINTR || errno == EAGAIN { return nil }
      throw Failure.unreadable(name)
    }
    for byte in buffer.prefix(count) where !isWhole {
      if byte == UInt8(ascii: "\n") {
        isWhole = true
      } else if bytes.count <= FirstLine.limit {
        bytes.append(byte)
      }
    }
    if count == 0 { isWhole = true }
    return count > 0
  }

  /// The line without its end.
  ///
  /// - Throws: an input failure where it is empty or too long.
  func secret(_ name: String) throws(Failure) -> Secret {
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    guard !bytes.isEmpty else {
      throw Failure(.input, "empty-password", "\(name): the first line is empty", status: .data)
    }
    guard bytes.count <= FirstLine.limit else {
      throw Failure(
        .input, "long-password", "\(name): the first line is longer than \(FirstLine.limit) bytes",
        status: .data)
    }
    return Secret(wiping: &bytes)
  }
}

/// Passwords in files and other things that can be opened.
enum PasswordFile {
  /// The first line of a file, a FIFO or `/dev/fd/N`.
  ///
  /// - Throws: status 78 for a file that other users can read or write, or that another user owns; status 66 for one that
  ///   cannot be read.
  static func read(_ path: String, _ waiter: Waiter) throws(Failure) -> Secret {
    // Not blocking: a FIFO opens at once, and the waiter waits for whoever writes it.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw Failure.unreadable(path) }
    defer { close(descriptor) }
    if OpenDescriptor(path: path) == nil { try check(descriptor, path) }
    return try read(descriptor, path, waiter)
  }

  /// A user who can write a password file can choose what is sent as the password; one who can read it knows the password.
  private static func check(_ descriptor: Int32, _ path: String) throws(Failure) {
    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else { throw Failure.unreadable(path) }
    let kind = facts.st_mode & S_IFMT
    guard kind == S_IFREG || kind == S_IFIFO else { return }
    guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
      throw .configuration("wrong-owner", "\(path): it belongs to another user (\(facts.st_uid))")
    }
    if kind == S_IFREG, facts.st_mode & 0o077 != 0 {
      throw .configuration(
        "insecure-permissions", "\(path): it holds a password and others may access it",
        hint: "chmod 600 \(shellPath(path))")
    }
  }

  /// The first line of an open descriptor, and not a byte more.
  static func read(_ descriptor: Int32, _ name: String, _ waiter: Waiter) throws(Failure) -> Secret {
    let line = FirstLine(keepsRest: true)
    while !line.isWhole {
      var ready = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
      _ = try waiter.wait(for: &ready, doing: "reading the password from \(name)")
      _ = try line.read(descriptor, name)
    }
    return try line.secret(name)
  }
}

extension Failure {
  /// A file that cannot be read, by `errno`.
  fileprivate static func unreadable(_ name: String) -> Failure {
    Failure(.input, "unreadable", "\(name): \(String(cString: strerror(errno)))", status: .noInput)
  }
}

/// A name for a descriptor that is open already: `/dev/fd/3`, `/dev/stderr`.
struct OpenDescriptor {
  let number: Int32

  /// `nil` if the path names something to be opened.
  init?(path: String) {
    let names = ["/dev/stdin": STDIN_FILENO, "/dev/stdout": STDOUT_FILENO, "/dev/stderr": STDERR_FILENO]
    if let number = names[path] {
      self.number = number
      return
    }
    for folder in ["/dev/fd/", "/proc/self/fd/"] where path.utf8.starts(with: folder.utf8) {
      guard let number = Int32(path.dropFirst(folder.count)), number >= 0 else { return nil }
      self.number = number
      return
    }
    return nil
  }
}
