import Glibc
import XMPP

/// Standard output, written without ever waiting for its reader.
///
/// A pipe may block a writer, and whether it does belongs to everybody who shares it, so it is not changed: it is opened
/// anew, where that can be done, and written in small pieces once it is ready where not.
final class OutputSink: Sendable {
  /// What is polled and written.
  let descriptor: Int32
  private let isOwn: Bool
  private let piece: Int

  /// The process's own standard output.
  init() {
    var status = stat()
    let isKnown = fstat(STDOUT_FILENO, &status) == 0
    let kind = isKnown ? status.st_mode & S_IFMT : 0
    let again =
      kind == S_IFIFO ? open("/proc/self/fd/\(STDOUT_FILENO)", O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1
    isOwn = again >= 0
    descriptor = isOwn ? again : STDOUT_FILENO
    piece = isOwn || kind == S_IFREG ? .max : Int(PIPE_BUF)
  }

  deinit { if isOwn { close(descriptor) } }

  /// Writes some of the bytes.
  ///
  /// - Returns: how many; 0 where it takes none now.
  func write(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Int {
    if piece < .max {
      var ready = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
      guard poll(&ready, 1, 0) > 0 else { return 0 }
    }
    return try Printer.write(bytes.prefix(piece), to: descriptor, name: "stdout")
  }
}
