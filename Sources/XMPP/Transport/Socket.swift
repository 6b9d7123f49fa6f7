import Glibc

/// The owner of one socket's file descriptor: it never blocks, no child process inherits it, and it is closed with its owner.
public final class Socket: Sendable {
  /// The descriptor, to poll and for the TLS library; it stays this object's own.
  public let descriptor: Int32

  /// Takes over a descriptor, and makes it non-blocking and close-on-exec.
  public init(adopting descriptor: Int32) {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  /// A new TCP socket, not yet connected.
  ///
  /// - Throws: where the system has none to spare, or does not know the address family.
  init(_ family: IPAddress.Family) throws(Failure) {
    let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    descriptor = socket(family == .v4 ? AF_INET : AF_INET6, flags, 0)
    guard descriptor >= 0 else { throw Failure.network(errno, "no socket") }
    set(Int32(TCP_NODELAY), 1)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Begins to connect. The socket is writable once that has ended one way or the other; see `connectionResult`.
  ///
  /// - Throws: when the system can tell at once that it will not do.
  func connect(to address: IPAddress, port: UInt16) throws(Failure) {
    let result = address.withSocketAddress(port: port) { Glibc.connect(descriptor, $0, $1) }
    guard result < 0, errno != EINPROGRESS, errno != EINTR else { return }
    throw Failure.network(errno, "")
  }

  /// How a connection that was begun has ended; it throws when it failed.
  func connectionResult() throws(Failure) {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else {
      throw Failure.network(errno, "")
    }
    if code != 0 { throw Failure.network(code, "") }
  }

  /// Reads what there is.
  ///
  /// - Returns: the number of bytes; 0 at the end of the stream; `nil` when there is nothing to read now.
  /// - Throws: `connection-reset` and its like, with status 69.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int? {
    guard !buffer.isEmpty else { return nil }
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count >= 0 { return count }
      if errno == EINTR { continue }
      if errno == EAGAIN { return nil }
      throw Failure.network(errno, "reading")
    }
  }

  /// Writes what fits; a closed connection is an error here, never a SIGPIPE.
  ///
  /// - Returns: the number of bytes taken; `nil` when none fit now.
  /// - Throws: `connection-reset` and its like, with status 69.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Int? {
    while true {
      let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return count }
      if errno == EINTR { continue }
      if errno == EAGAIN { return nil }
      throw Failure.network(errno, "writing")
    }
  }

  /// Tells the far side that nothing more will be written; reading goes on.
  public func finishWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads and forgets what still comes, until the far side has finished too or the waiter's deadline has passed.
  ///
  /// A system on which a socket is closed with bytes unread, or gets some after that, takes the connection away from the
  /// far side at once, and with it what that has not read yet (RFC 1122 §4.2.2.13).
  ///
  /// - Returns: the signal that ended the waiting, if one did.
  func drain(_ waiter: Waiter) -> Failure? {
    var unread = [UInt8](repeating: 0, count: 16 << 10)
    do throws(Failure) {
      while !waiter.deadline.hasPassed {
        guard try wait(for: POLLIN, waiter, until: waiter.deadline, doing: "closing the connection"),
          try read(into: &unread) ?? 1 > 0
        else { return nil }
      }
    } catch {
      return error.isInterruption ? error : nil
    }
    return nil
  }

  /// Has the next segment acknowledged at once. Linux forgets it by itself, so it is set again before each wait for an
  /// answer: servers that write in small pieces otherwise wait 40 ms for the delayed acknowledgement of each.
  public func acknowledgeAtOnce() { set(Int32(TCP_QUICKACK), 1) }

  /// Waits until the socket is readable or writable.
  ///
  /// - Parameter events: `POLLIN`, `POLLOUT` or both.
  /// - Returns: `false` when `moment` came first.
  /// - Throws: what `Waiter.wait` throws.
  public func wait(
    for events: Int32, _ waiter: Waiter, until moment: Deadline = .never, doing: @autoclosure () -> String
  ) throws(Failure) -> Bool {
    var descriptors = [pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0)]
    return try waiter.wait(for: &descriptors, until: moment, doing: doing()) > 0
  }

  private func set(_ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, Int32(IPPROTO_TCP), option, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}

extension Failure {
  /// What the system said about a connection, in the words of `errno`; `doing` says at what, where that helps.
  static func network(_ code: Int32, _ doing: String) -> Failure {
    let condition =
      switch code {
      case ECONNREFUSED: "connection-refused"
      case ECONNRESET, EPIPE: "connection-reset"
      case ECONNABORTED: "connection-aborted"
      case EHOSTUNREACH, EHOSTDOWN: "host-unreachable"
      case ENETUNREACH, ENETDOWN: "network-unreachable"
      case ETIMEDOUT: "connect-timeout"
      case EADDRNOTAVAIL: "address-not-available"
      case EAFNOSUPPORT: "family-not-supported"
      case EACCES, EPERM: "not-permitted"
      default: "network-error"
      }
    let text = String(cString: strerror(code))
    return Failure(.tcp, condition, doing.isEmpty ? text : "\(doing): \(text)", status: .noConnection)
  }
}

extension Socket {
  /// `read(into:)` for an array, which keeps its size.
  func read(into bytes: inout [UInt8]) throws(Failure) -> Int? {
    let result = bytes.withUnsafeMutableBytes { buffer -> Result<Int?, Failure> in
      do throws(Failure) { return .success(try read(into: buffer)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// `write(_:)` for an array.
  func write(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Int? {
    let result = bytes.withUnsafeBytes { buffer -> Result<Int?, Failure> in
      do throws(Failure) { return .success(try write(buffer)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
