import Glibc
import XMPP

extension ConnectionOptions {
  /// The trace that `--trace` and `-v` ask for together; `nil` where neither does.
  ///
  /// - Throws: where the file cannot be written.
  func makeTrace(_ echoes: EchoRedaction) throws(Failure) -> Trace? {
    let path = try once("--trace", trace)
    guard path != nil || verbose else { return nil }
    let file = try path.map { path throws(Failure) in try TraceFile(path) }
    return Trace(
      showsSecrets: traceSecrets, bytes: file.map { file in { file.write($0, $1) } },
      notes: verbose ? ConnectionOptions.makeNotes() : nil, echoes: echoes)
  }

  /// What says the notes on stderr. A reader that sleeps is waited for once, not with each of them.
  private static func makeNotes() -> (String) -> Void {
    var patience = TraceFile.patience
    return {
      patience = Printer.diagnostic("xmppctl: \($0.shown)", patience: patience) ? TraceFile.patience : 0
    }
  }
}

/// Where trace lines go. A trace that cannot be written does not stop the run.
private final class TraceFile {
  /// How long a reader that sleeps is waited for; milliseconds.
  static let patience: Int32 = 100

  private let descriptor: Int32
  /// What is left of it: none, until the reader takes something again.
  private var patience = TraceFile.patience

  /// Opens a file that is empty then, and its owner's alone. Standard error (`-`) and other descriptors that are open already
  /// are used as they are. A FIFO that nobody reads is an error, not something to wait for.
  ///
  /// - Throws: status 74 for what cannot be written; for a link, a file of another user or one with several names, which
  ///   somebody may have laid there to have another file overwritten or the trace readable.
  init(_ path: String) throws(Failure) {
    if let standing = path == "-" ? STDERR_FILENO : OpenDescriptor(path: path)?.number {
      descriptor = fcntl(standing, F_DUPFD_CLOEXEC, 0)
      guard descriptor >= 0 else { throw TraceFile.failure(path) }
      return
    }
    // What is there keeps its content until it is known whose it is.
    let flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
    let opened = open(path, flags, 0o600)
    guard opened >= 0 else {
      throw errno == ELOOP ? TraceFile.failure(path, "it is a symbolic link") : TraceFile.failure(path)
    }
    do throws(Failure) {
      try TraceFile.take(opened, path)
    } catch {
      close(opened)
      throw error
    }
    descriptor = opened
  }

  /// Empties a file that is the user's own.
  private static func take(_ descriptor: Int32, _ path: String) throws(Failure) {
    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else { throw failure(path) }
    switch facts.st_mode & S_IFMT {
    case S_IFCHR: return
    case S_IFIFO:
      guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
        throw failure(path, "it belongs to another user")
      }
    case S_IFREG:
      guard facts.st_uid == geteuid() else { throw failure(path, "it belongs to another user") }
      guard facts.st_nlink == 1 else { throw failure(path, "it has other names (hard links)") }
      guard fchmod(descriptor, 0o600) == 0, ftruncate(descriptor, 0) == 0 else { throw failure(path) }
    default: throw failure(path, "it is not a file")
    }
  }

  private static func failure(_ path: String, _ why: String? = nil) -> Failure {
    Failure(
      .output, "open-failed", "\(path): \(why ?? String(cString: strerror(errno)))",
      hint: why.map { _ in "name another file with --trace" }, status: .output)
  }

  deinit { close(descriptor) }

  func write(_ start: String, _ text: String) {
    var text = text
    var shown = Array(start.utf8)
    // A large text is here once more and no oftener: room that is not used is no memory.
    shown.reserveCapacity(shown.count + 2 * text.utf8.count + 1)
    text.withUTF8 { Hazard.append(shown: $0, to: &shown) }
    shown.append(UInt8(ascii: "\n"))
    patience = Printer.tell(shown, descriptor, patience: patience) ? TraceFile.patience : 0
  }
}
