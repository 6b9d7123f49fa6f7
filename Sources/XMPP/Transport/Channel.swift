import Glibc

/// The bytes of one connection, through whatever layers it has by now: socket, then TLS, then compression.
///
/// Nothing here waits: `receive` and `transmit` do what can be done now, and `interest` says what to poll for until
/// more can. So one loop serves both directions, and neither can starve the other.
final class Channel {
  private let socket: Socket
  private(set) var tls: TLSSession?
  private(set) var compression: Compression?
  /// Bytes queued and not yet taken by the layer below; those before `sent` are.
  private var queued: [UInt8] = []
  private var sent = 0
  /// What each direction waits for, where a layer said so.
  private var reading = Want.input
  private var writing = Want.output

  private enum Want {
    case input, output
  }

  /// What one attempt to read came to.
  enum Received {
    /// So many bytes are in the buffer.
    case bytes(Int)
    /// Nothing now.
    case nothing
    /// The far side sends no more; `clean` where TLS said so, or there is no TLS to say it.
    case end(clean: Bool)
  }

  /// A channel over a connected socket, without TLS yet.
  init(_ socket: Socket) { self.socket = socket }

  /// How many bytes are queued and not yet sent.
  var pending: Int { queued.count - sent }

  /// The descriptor to poll, with the events that let the channel go on; none where there is nothing to wait for, since
  /// a closed connection would be ready all the time.
  func interest(readsInput: Bool) -> pollfd {
    var events: Int32 = 0
    if readsInput { events |= reading == .input ? POLLIN : POLLOUT }
    if pending > 0 { events |= writing == .output ? POLLOUT : POLLIN }
    return pollfd(fd: events == 0 ? -1 : socket.descriptor, events: Int16(events), revents: 0)
  }

  /// Puts TLS on the socket and judges the server's certificate. What is queued must have been sent.
  ///
  /// - Parameter session: where the session is put before it shakes hands, so that its findings outlive a failure.
  func startTLS(_ session: TLSSession, waiter: Waiter, until moment: Deadline) throws(Failure) {
    tls = session
    socket.acknowledgeAtOnce()
    try session.handshake(waiter: waiter, until: moment)
  }

  /// The descriptor below everything, for a TLS session to be made on.
  var descriptor: Int32 { socket.descriptor }

  /// Compresses everything from here on, both ways. What is queued must have been sent.
  func startCompression() throws(Failure) { compression = try Compression() }

  /// Queues bytes to be sent.
  func queue(_ bytes: [UInt8]) {
    if pending == 0 {
      queued.removeAll(keepingCapacity: true)
      sent = 0
    }
    queued.append(contentsOf: compression?.deflate(bytes) ?? bytes)
  }

  /// Sends what can be sent now.
  func transmit() throws(Failure) {
    while pending > 0 {
      switch try write() {
      case .bytes(let count):
        sent += count
        writing = .output
      case .wantsRead:
        writing = .input
        return
      case .wantsWrite:
        writing = .output
        return
      case .end: throw Channel.closed
      }
    }
  }

  /// Reads what there is.
  func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Received {
    reading = .input
    // Before a read that may have to wait: a server that writes in small pieces would stall 40 ms for each otherwise.
    socket.acknowledgeAtOnce()
    guard let compression else { return try read(into: buffer) }
    return try compression.inflate(into: buffer, reading: read)
  }

  private func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Received {
    guard let tls else {
      guard let count = try socket.read(into: buffer) else { return .nothing }
      return count > 0 ? .bytes(count) : .end(clean: true)
    }
    switch try tls.read(into: buffer) {
    case .bytes(let count): return .bytes(count)
    case .wantsRead: return .nothing
    case .wantsWrite:
      reading = .output
      return .nothing
    case .end(let clean): return .end(clean: clean)
    }
  }

  /// Says goodbye below the stream.
  ///
  /// - Parameter waiter: how long the far side's goodbye is waited for, so that what was sent last is not lost.
  /// - Returns: the signal that ended the waiting, if one did.
  func close(_ waiter: Waiter) -> Failure? {
    tls?.close()
    socket.finishWriting()
    return socket.drain(waiter)
  }

  private func write() throws(Failure) -> TLSSession.Progress {
    var progress: Result<TLSSession.Progress, Failure> = .success(.wantsWrite)
    queued.withUnsafeBytes { bytes in
      let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
      progress = Result { () throws(Failure) in
        if let tls { return try tls.write(rest) }
        return try socket.write(rest).map { .bytes($0) } ?? .wantsWrite
      }
    }
    return try progress.get()
  }

  private static let closed = Failure(
    .tcp, "connection-closed", "the server closed the connection", status: .noConnection)
}
