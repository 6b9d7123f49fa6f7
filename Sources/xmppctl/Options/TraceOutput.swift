import Glibc
import XMPP

extension ConnectionOptions {
  /// The trace that `--trace` and `-v` ask for together; `nil` where neither does.
  ///
  /// - Throws: where the file cannot be written.
  func makeTrace() throws(Failure) -> Trace? {
    let path = try once("--trace", trace)
    guard path != nil || verbose else { return nil }
    let file = try path.map { path throws(Failure) in try TraceFile(path) }
    return Trace(
      showsSecrets: traceSecrets, bytes: file.map { file in { file.write($0, $1) } },
      notes: verbose ? { Printer.diagnostic("xmppctl: \($0.shown)") } : nil)
  }
}

/// Where trace lines go. A trace that cannot be written does not stop the run.
private final class TraceFile {
  private let descriptor: Int32

  /// Opens the file anew, readable by its owner alone. `-` is stderr, which is used as it is, whatever it is connected to.
  /// A FIFO that nobody reads is an error, not something to wait for.
  init(_ path: String) throws(Failure) {
    descriptor =
      path == "-" || path == "/dev/stderr"
      ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
      : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o600)
    guard descriptor >= 0 else {
      throw Failure(.output, "open-failed", "\(path): \(String(cString: strerror(errno)))", status: .output)
    }
  }

  deinit { close(descriptor) }

  func write(_ start: String, _ text: String) {
    var text = text
    var shown = Array(start.utf8)
    // A large text is here once more and no oftener: room that is not used is no memory.
    shown.reserveCapacity(shown.count + 2 * text.utf8.count + 1)
    text.withUTF8 { Hazard.append(shown: $0, to: &shown) }
    shown.append(UInt8(ascii: "\n"))
    Printer.tell(shown, descriptor)
  }
}
