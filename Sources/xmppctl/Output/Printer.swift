import Glibc
import XMPP

/// Writes results to stdout and everything else to stderr.
enum Printer {
  /// Writes all of the bytes to stdout, as fast as its reader takes them.
  ///
  /// - Throws: an output failure where stdout is closed, full or broken; what the waiter throws.
  static func output(_ bytes: [UInt8], waiter: Waiter) throws(Failure) {
    var written = 0
    while written < bytes.count {
      var ready = [pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)]
      _ = try waiter.wait(for: &ready, doing: "writing to stdout")
      // A pipe that is ready takes as much without blocking, so that the deadline holds while its reader sleeps.
      let end = min(written + Int(PIPE_BUF), bytes.count)
      do throws(Failure) {
        written += try write(bytes[written..<end], to: STDOUT_FILENO, name: "stdout")
      } catch {
        let line = bytes[..<written].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        removePartialLine(written - line, from: STDOUT_FILENO)
        throw error
      }
    }
  }

  /// Removes the last bytes of a regular file that this process has just written to, since they are a part of a line: the next
  /// run that appends to the file would continue it. Nothing is removed if others have written meanwhile.
  ///
  /// - Returns: whether they are removed.
  @discardableResult
  static func removePartialLine(_ count: Int, from descriptor: Int32) -> Bool {
    var facts = stat()
    guard count > 0, fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return false }
    let end = lseek(descriptor, 0, SEEK_CUR)
    guard end == facts.st_size, end >= count, ftruncate(descriptor, end - off_t(count)) == 0 else {
      return false
    }
    lseek(descriptor, end - off_t(count), SEEK_SET)
    return true
  }

  /// Writes one line to stderr; where that fails there is nobody left to tell. What a server made too long is cut, so that
  /// the line goes through a pipe at once.
  ///
  /// - Parameter patience: how long a reader that sleeps is waited for, in milliseconds; 0 for what a stranger can cause.
  /// - Returns: whether it was written.
  @discardableResult
  static func diagnostic(_ line: String, patience: Int32 = 100) -> Bool {
    // Three bytes for the ellipsis, one for the end of the line.
    let shortened = line.shortened(to: Int(PIPE_BUF) - 4)
    return tell(Array(shortened.utf8) + [UInt8(ascii: "\n")], STDERR_FILENO, patience: patience)
  }

  /// Writes what a person may read, in pieces that go through a pipe at once. Where its reader sleeps, the rest of it is
  /// dropped: nothing on the side may hold up the run, its deadline and its signals.
  ///
  /// - Returns: whether all of it was written.
  @discardableResult
  static func tell(_ bytes: [UInt8], _ descriptor: Int32, patience: Int32 = 100) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&ready, 1, patience) > 0,
        let count = try? write(rest.prefix(Int(PIPE_BUF)), to: descriptor, name: "stderr"), count > 0
      else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Says a failure and its hint on stderr: `xmppctl: COMMAND: STAGE: what happened`.
  ///
  /// - Parameter command: `nil` where it did not come to one.
  static func failure(_ failure: Failure, command: String?) {
    let failure = Hints().applied(to: failure)
    let command = command.map { "\($0.shown): " } ?? ""
    let place = failure.place.map { ", \($0.shown)" } ?? ""
    diagnostic("xmppctl: \(command)\(failure.stage.rawValue): \(failure.message.shown)\(place)")
    if let hint = failure.hint { diagnostic("xmppctl: hint: \(hint.shown)") }
  }

  /// Says where servers sent the run, each time it went there, and why it did not if it arrived elsewhere. If it did not
  /// arrive, its failure says that.
  static func redirections(_ report: Report) {
    for redirection in report.redirections where redirection.refusal == nil || report.failure == nil {
      let refusal = redirection.refusal.map { "; not followed: \($0.shown)" } ?? ""
      diagnostic(
        "xmppctl: warning: \(redirection.source.place.shown) redirected to \(redirection.target.shown)\(refusal)"
      )
    }
  }

  /// Says what of the settings gives up protection, each time.
  static func warnings(_ settings: ConnectionSettings) {
    if settings.tls.insecure {
      diagnostic("xmppctl: warning: the certificate is not verified (--insecure)")
    }
    if settings.tlsMode == .none {
      diagnostic("xmppctl: warning: the connection is not encrypted (--tls none)")
    }
  }

  /// Writes some of the bytes to a descriptor.
  ///
  /// - Returns: how many.
  static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32, name: String) throws(Failure) -> Int {
    while true {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 { return count }
      if errno == EAGAIN { return 0 }
      guard errno == EINTR else {
        throw Failure(
          .output, "write-failed", "\(name): \(String(cString: strerror(errno)))", status: .output)
      }
    }
  }
}
