import Foundation

/// The server's end of one connection: performs the steps of a script and records what comes.
final class PeerLine {
  var record = ScriptedPeer.Connection()
  private let descriptor: Int32
  private let leaving: Wake
  private var engine: TestTLSEngine?
  /// How much of `record.bytes` the expectations have used up.
  private var used = 0
  /// What the last expectation used up.
  private(set) var last = ""
  private var clientLeft = false
  private var isClosed = false

  init(_ descriptor: Int32, _ leaving: Wake) {
    (self.descriptor, self.leaving) = (descriptor, leaving)
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    var yes: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
  }

  func perform(_ step: ScriptedPeer.Step) throws {
    switch step {
    case .expect(let text):
      let wanted = Data(text.utf8)
      try expect { Data($0).range(of: wanted)?.upperBound }
    case .expectMatch(let pattern):
      let regex = try Regex(pattern)
      try expect { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        return try regex.firstMatch(in: text).map {
          text.utf8.distance(from: text.startIndex, to: $0.range.upperBound)
        }
      }
    case .expectHeader: try expect(endOfHeader)
    case .expectElement: try expect(endOfElement)
    case .expectBytes(let count): try expect { $0.count >= count ? count : nil }
    case .send(let text): try send(Array(text.utf8))
    case .sendBytes(let bytes): try send(bytes)
    case .reply(let make): try send(Array(try make(last).utf8))
    case .talk(let lead): try lead(ScriptedPeer.Talk(line: self))
    case .dribble(let bytes, let count, let seconds): try dribble(try sealed(bytes), count, seconds)
    case .tls(let server): try shakeHands(server)
    case .tlsFails(let server): try failToShakeHands(server)
    case .updateKeys:
      try needEngine().updateKeys()
      try flush()
    case .renegotiate: try renegotiate()
    case .exchange(let bytes, let count, let each): try exchange(bytes, count, each)
    case .close:
      engine?.close()
      try flush()
      try endAndDrain()
    case .end: try endAndDrain()
    case .reset:
      var linger = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
      shut()
    case .silence: try drain()
    case .open(let gate): gate.open()
    case .wait(let gate): if !gate.wait() { throw failure("the gate stayed shut") }
    }
  }

  /// Ends what the script left open.
  func finish() {
    guard !isClosed else { return }
    try? perform(.close)
    shut()
  }

  // MARK: Reading

  private func expect(_ end: ([UInt8]) throws -> Int?) throws {
    while true {
      let rest = Array(record.bytes[used...])
      if let end = try end(rest) {
        last = String(decoding: rest[..<end], as: UTF8.self)
        used += end
        return
      }
      if clientLeft { throw failure("the client left") }
      try receive()
    }
  }

  /// Waits for the next bytes and records them.
  private func receive() throws {
    try wait(for: POLLIN)
    try receiveNow()
  }

  private func receiveNow() throws {
    guard let bytes = try readSocket() else { return }
    guard let engine else {
      record.bytes += bytes
      return
    }
    engine.put(bytes)
    record.bytes += try engine.read() ?? []
    guard !engine.saidGoodbye else {
      record.saidGoodbye = true
      clientLeft = true
      return
    }
    try flush()
  }

  /// What the socket has; `nil` at its end, which is noted.
  private func readSocket() throws -> [UInt8]? {
    var piece = [UInt8](repeating: 0, count: 65536)
    let count = read(descriptor, &piece, piece.count)
    if count < 0 && errno == EAGAIN { return [] }
    guard count > 0 else {
      clientLeft = true
      return nil
    }
    record.wire += piece.prefix(count)
    return Array(piece.prefix(count))
  }

  private func drain() throws {
    let deadline = Date() + ScriptedPeer.patience
    while !clientLeft && Date() < deadline {
      var descriptors = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: leaving.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      poll(&descriptors, 2, Int32(ScriptedPeer.patience * 1000))
      if descriptors[0].revents != 0 { try receiveNow() } else if descriptors[1].revents != 0 { return }
    }
  }

  private func endAndDrain() throws {
    shutdown(descriptor, Int32(SHUT_WR))
    try? drain()
    shut()
  }

  // MARK: Writing

  private func send(_ bytes: [UInt8]) throws { try transmit(try sealed(bytes)) }

  private func sealed(_ bytes: [UInt8]) throws -> [UInt8] {
    guard let engine else { return bytes }
    try engine.write(bytes)
    return engine.take()
  }

  private func flush() throws {
    if let engine { try transmit(engine.take()) }
  }

  private func transmit(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = writeSocket(rest)
      if count < 0 { throw failure("the client left: \(String(cString: strerror(errno)))") }
      if count == 0 { try wait(for: POLLOUT) }
      rest = rest.dropFirst(count)
    }
  }

  private func writeSocket(_ bytes: ArraySlice<UInt8>) -> Int {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    return count < 0 && errno == EAGAIN ? 0 : count
  }

  /// Ends early where the client leaves: to see when it does is what a test dribbles for.
  private func dribble(_ bytes: [UInt8], _ count: Int, _ seconds: Double) throws {
    var rest = bytes[...]
    while !rest.isEmpty && !clientLeft {
      if writeSocket(rest.prefix(count)) < 0 { clientLeft = true }
      rest = rest.dropFirst(count)
      var descriptors = [pollfd(fd: descriptor, events: Int16(POLLIN | pollReadHangUp), revents: 0)]
      poll(&descriptors, 1, Int32(seconds * 1000))
      if descriptors[0].revents & Int16(pollReadHangUp | POLLHUP | POLLERR) != 0 { clientLeft = true }
    }
  }

  private func wait(for events: Int32) throws {
    var descriptors = [pollfd(fd: descriptor, events: Int16(events), revents: 0)]
    if poll(&descriptors, 1, Int32(ScriptedPeer.patience * 1000)) == 0 {
      throw failure("nothing came in time")
    }
  }

  private func shut() {
    guard !isClosed else { return }
    isClosed = true
    close(descriptor)
  }

  // MARK: TLS

  private func shakeHands(_ server: TestTLSServer) throws {
    let engine = try TestTLSEngine(server)
    // What came behind the last expectation belongs to the handshake.
    engine.put(Array(record.bytes[used...]))
    record.bytes.removeSubrange(used...)
    while true {
      let step: TestTLSEngine.Step
      do { step = try engine.handshake() } catch {
        try? transmit(engine.take())
        throw error
      }
      if let dribbling = server.dribble {
        try dribble(engine.take(), dribbling.count, dribbling.seconds)
      } else {
        try transmit(engine.take())
      }
      if step == .done { break }
      if clientLeft { throw failure("the client left during the handshake") }
      try wait(for: POLLIN)
      if let bytes = try readSocket() { engine.put(bytes) }
    }
    self.engine = engine
    record.session = engine.agreed
    if let plain = try engine.read() { record.bytes += plain }
  }

  private func failToShakeHands(_ server: TestTLSServer) throws {
    do { try shakeHands(server) } catch {
      record.handshakeError = "\(error)"
      return
    }
    throw failure("the handshake succeeded")
  }

  private func renegotiate() throws {
    do {
      try needEngine().renegotiate()
      try flush()
      while !clientLeft { try receive() }
      record.renegotiationError = "the client left"
    } catch {
      record.renegotiationError = "\(error)"
      try? flush()
    }
  }

  private func exchange(_ bytes: [UInt8], _ count: Int, _ each: Int) throws {
    let engine = try needEngine()
    let goal = used + count
    var rest = bytes[...]
    var sealed: [UInt8] = []
    while record.bytes.count < goal || !rest.isEmpty || !sealed.isEmpty {
      if sealed.isEmpty && !rest.isEmpty {
        try engine.write(Array(rest.prefix(each)))
        rest = rest.dropFirst(each)
        try engine.updateKeys()
        sealed = engine.take()
      }
      try wait(for: sealed.isEmpty ? POLLIN : POLLIN | POLLOUT)
      let sent = writeSocket(sealed[...])
      if sent < 0 { throw failure("the client left") }
      sealed.removeFirst(sent)
      if let more = try readSocket() {
        engine.put(more)
        if let plain = try engine.read() { record.bytes += plain }
        sealed += engine.take()
      }
      if clientLeft { throw failure("the client left") }
    }
  }

  private func needEngine() throws -> TestTLSEngine {
    guard let engine else { throw failure("there is no TLS session") }
    return engine
  }

  private func failure(_ text: String) -> ScriptedPeer.ScriptFailure { .init(description: text) }
}

/// Where the start tag of a stream ends.
private func endOfHeader(_ bytes: [UInt8]) -> Int? { firstTag(bytes, from: 0).map(\.end) }

/// Where the first whole element ends.
private func endOfElement(_ bytes: [UInt8]) -> Int? {
  var (position, depth) = (0, 0)
  while let tag = firstTag(bytes, from: position) {
    position = tag.end
    depth += tag.change
    if depth <= 0 { return position }
  }
  return nil
}

/// The next tag that is no declaration: where it ends, and by how much it goes deeper.
private func firstTag(_ bytes: [UInt8], from start: Int) -> (end: Int, change: Int)? {
  guard let open = bytes[start...].firstIndex(of: UInt8(ascii: "<")) else { return nil }
  var quote: UInt8?
  for index in bytes.indices[(open + 1)...] {
    let byte = bytes[index]
    if let opened = quote {
      if byte == opened { quote = nil }
    } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
      quote = byte
    } else if byte == UInt8(ascii: ">") {
      switch bytes[open + 1] {
      case UInt8(ascii: "?"): return firstTag(bytes, from: index + 1)
      case UInt8(ascii: "/"): return (index + 1, -1)
      default: return (index + 1, bytes[index - 1] == UInt8(ascii: "/") ? 0 : 1)
      }
    }
  }
  return nil
}

/// `POLLRDHUP`, which Swift's Glibc module hides.
private let pollReadHangUp: Int32 = 0x2000
