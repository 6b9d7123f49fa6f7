import Glibc
import TestSupport

@testable import XMPP

/// A client of a scripted peer that speaks TLS from the first byte, written as plainly as can be.
final class TLSTestClient {
  let session: TLSSession
  private let descriptor: Int32
  private let waiter = Waiter(seconds: 30)

  init(
    _ peer: ScriptedPeer, domain: String = "example.org", service: XMPPService = .client, direct: Bool = true,
    options: TLSOptions
  ) throws {
    descriptor = try connectToLoopback(peer.port)
    session = try TLSSession(
      descriptor: descriptor, domain: domain, service: service, direct: direct, options: options)
  }

  deinit { close(descriptor) }

  /// Makes the socket take little at once.
  func shrinkSendBuffer() {
    var small: Int32 = 16384
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &small, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Ends the TCP connection.
  func hangUp() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  func handshake(until moment: Deadline = .never) throws(Failure) {
    try session.handshake(waiter: waiter, until: moment)
  }

  /// The failure of the handshake; `nil` where it succeeds.
  func handshakeFailure(until moment: Deadline = .never) -> Failure? {
    do { try handshake(until: moment) } catch { return error }
    return nil
  }

  func send(_ text: String) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let progress = try rest.withUnsafeBytes { try session.write($0) }
      if case .bytes(let count) = progress { rest = rest.dropFirst(count) } else { try wait(progress) }
    }
  }

  /// Reads until this text came, or to the end.
  func read(until text: String) throws -> String {
    var all: [UInt8] = []
    while true {
      switch try readOnce(&all) {
      case .end: return String(decoding: all, as: UTF8.self)
      case .bytes:
        let soFar = String(decoding: all, as: UTF8.self)
        if soFar.contains(text) { return soFar }
      case let progress: try wait(progress)
      }
    }
  }

  /// Reads to the end and says how it came.
  func readEnd() throws -> TLSSession.Progress {
    var all: [UInt8] = []
    while true {
      switch try readOnce(&all) {
      case .bytes: continue
      case .end(let clean): return .end(clean: clean)
      case let progress: try wait(progress)
      }
    }
  }

  func readOnce(_ all: inout [UInt8]) throws -> TLSSession.Progress {
    var piece = [UInt8](repeating: 0, count: 8192)
    let progress = try piece.withUnsafeMutableBytes { try session.read(into: $0) }
    if case .bytes(let count) = progress { all += piece.prefix(count) }
    return progress
  }

  func wait(_ progress: TLSSession.Progress) throws(Failure) { try waitForAny([progress]) }

  /// Waits for whatever was wanted, unless something went on.
  func waitForAny(_ progress: [TLSSession.Progress]) throws(Failure) {
    var events: Int32 = 0
    for one in progress {
      switch one {
      case .wantsRead: events |= POLLIN
      case .wantsWrite: events |= POLLOUT
      case .bytes, .end: return
      }
    }
    var descriptors = [pollfd(fd: descriptor, events: Int16(events), revents: 0)]
    _ = try waiter.wait(for: &descriptors, doing: "testing")
  }
}

extension TLSOptions {
  /// Options that trust the test authority.
  static func trusting(_ certificates: TestCertificates) throws -> TLSOptions {
    var options = TLSOptions()
    options.trust = .authorities(try Trust.Authorities(file: certificates.authorityFile))
    return options
  }
}
