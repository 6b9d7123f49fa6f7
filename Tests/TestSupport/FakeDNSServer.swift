import Foundation

/// A name server on a free port of the loopback, over UDP and TCP, that answers as it was told and notes what it was asked.
public final class FakeDNSServer: @unchecked Sendable {
  /// The types of record it can be asked for.
  public enum Kind: UInt16, Sendable { case a = 1, cname = 5, aaaa = 28, srv = 33 }

  /// A record; its owner is the name asked for unless another is given.
  public struct Record: Sendable {
    var owner: String?
    var kind: UInt16
    var data: [UInt8]

    /// An address, IPv4 or IPv6.
    public static func address(_ text: String, owner: String? = nil) -> Record {
      var bytes = [UInt8](repeating: 0, count: 16)
      if inet_pton(AF_INET, text, &bytes) == 1 {
        return Record(owner: owner, kind: Kind.a.rawValue, data: Array(bytes.prefix(4)))
      }
      inet_pton(AF_INET6, text, &bytes)
      return Record(owner: owner, kind: Kind.aaaa.rawValue, data: bytes)
    }

    /// A service; the target `.` says it is not available.
    public static func srv(_ priority: Int, _ weight: Int, _ port: Int, _ target: String) -> Record {
      let numbers = [priority, weight, port].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
      return Record(kind: Kind.srv.rawValue, data: numbers + FakeDNSServer.wire(target))
    }

    /// An alias.
    public static func alias(_ target: String, owner: String? = nil) -> Record {
      Record(owner: owner, kind: Kind.cname.rawValue, data: FakeDNSServer.wire(target))
    }

    /// Whatever a test needs.
    public static func raw(_ kind: UInt16, _ data: [UInt8], owner: String? = nil) -> Record {
      Record(owner: owner, kind: kind, data: data)
    }
  }

  /// What it answers to a question.
  public indirect enum Answer: Sendable {
    /// Success with these records; without one it is NODATA.
    case records([Record])
    /// The name does not exist.
    case nxdomain
    /// Another response code: 2 is SERVFAIL, 5 REFUSED.
    case code(UInt8)
    /// No answer.
    case silence
    /// An answer after so many seconds.
    case delayed(Double, Answer)
    /// Over UDP only that it was cut off; over TCP the answer.
    case truncated(Answer)
    /// Response code 1 when the question carries an EDNS record, else the answer.
    case onlyWithoutEDNS(Answer)
    /// The first answer once, the second from then on.
    case first(Answer, then: Answer)
    /// These bytes behind the question's id.
    case raw([UInt8])
    /// The answer with another id before it, and one to another question.
    case afterForgeries(Answer)
  }

  /// A question that came in.
  public struct Query: Sendable, Equatable {
    /// The name, in lower case, without a final dot.
    public var name: String
    /// The type's number.
    public var kind: UInt16
    /// Over TCP, not UDP.
    public var tcp: Bool
    /// The port it came from; 0 over TCP.
    public var port: UInt16
    /// The id.
    public var id: UInt16
  }

  /// The port, of UDP and TCP alike.
  public let port: UInt16
  /// What `--dns-server` takes.
  public var address: String { "127.0.0.1:\(port)" }

  private let udp: Int32
  private let tcp: Int32
  private let lock = NSLock()
  private var answers: [String: Answer] = [:]
  private var asked: [Query] = []
  private let other: Answer

  /// Starts it; what it was not told to answer gets `other`.
  public init(other: Answer = .nxdomain) throws {
    self.other = other
    var pair: (udp: Int32, tcp: Int32)?
    for _ in 0..<50 where pair == nil {
      let udp = try Loopback.bound(SOCK_DGRAM, "127.0.0.1", 0)
      if let tcp = try? Loopback.bound(SOCK_STREAM, "127.0.0.1", Loopback.port(of: udp)) {
        pair = (udp, tcp)
      } else {
        close(udp)
      }
    }
    guard let pair else { throw Loopback.Problem(code: EADDRINUSE) }
    (udp, tcp) = pair
    port = Loopback.port(of: udp)
    serveUDP()
    serveTCP()
  }

  // The threads end by this, and close what they read from.
  deinit {
    shutdown(udp, Int32(SHUT_RDWR))
    shutdown(tcp, Int32(SHUT_RDWR))
  }

  /// Says what to answer from now on.
  public func answer(_ name: String, _ kind: Kind, _ answer: Answer) {
    lock.withLock { answers[FakeDNSServer.key(name, kind.rawValue)] = answer }
  }

  /// Every question so far.
  public var queries: [Query] { lock.withLock { asked } }

  private static func key(_ name: String, _ kind: UInt16) -> String { "\(name.lowercased()) \(kind)" }

  private func serveUDP() {
    let udp = udp
    Thread.detachNewThread { [weak self] in
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        var from = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &from) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            recvfrom(udp, &buffer, buffer.count, 0, $0, &length)
          }
        }
        guard count > 0, let self else { break }
        let (peer, size) = (from, length)
        let port = UInt16(bigEndian: from.sin_port)
        self.take(Array(buffer.prefix(count)), tcp: false, port: port) { message in
          withUnsafePointer(to: peer) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
              _ = sendto(udp, message, message.count, Int32(MSG_NOSIGNAL), $0, size)
            }
          }
        }
      }
      close(udp)
    }
  }

  private func serveTCP() {
    Loopback.accept(on: tcp) { [weak self] connection in
      guard let self else { return false }
      let head = Loopback.read(2, from: connection)
      guard head.count == 2 else {
        close(connection)
        return true
      }
      let message = Loopback.read(Int(head[0]) << 8 | Int(head[1]), from: connection)
      self.take(message, tcp: true, port: 0) { answer in
        // In two pieces, since a length can arrive without its message.
        Loopback.write([UInt8(answer.count >> 8)], to: connection)
        Loopback.write([UInt8(answer.count & 0xFF)] + answer, to: connection)
      }
      // Left open, since the answer may come later: the process's end closes it.
      return true
    }
  }

  private func take(_ message: [UInt8], tcp: Bool, port: UInt16, send: @escaping @Sendable ([UInt8]) -> Void)
  {
    guard message.count > 12 else { return }
    var labels: [String] = []
    var at = 12
    while at < message.count, message[at] != 0, at + Int(message[at]) < message.count {
      labels.append(String(decoding: message[(at + 1)...(at + Int(message[at]))], as: UTF8.self))
      at += 1 + Int(message[at])
    }
    guard at + 5 <= message.count else { return }
    let kind = UInt16(message[at + 1]) << 8 | UInt16(message[at + 2])
    let name = labels.joined(separator: ".").lowercased()
    let id = UInt16(message[0]) << 8 | UInt16(message[1])
    let request = Request(
      head: Array(message[0..<2]), question: Array(message[12..<(at + 5)]), tcp: tcp, edns: message[11] > 0)
    let answer = lock.withLock { () -> Answer in
      asked.append(Query(name: name, kind: kind, tcp: tcp, port: port, id: id))
      let key = FakeDNSServer.key(name, kind)
      if case .first(let now, let then)? = answers[key] {
        answers[key] = then
        return now
      }
      return answers[key] ?? other
    }
    FakeDNSServer.reply(answer, to: request, send: send)
  }

  private struct Request: Sendable {
    var head: [UInt8]
    var question: [UInt8]
    var tcp: Bool
    var edns: Bool
  }

  private static func reply(
    _ answer: Answer, to request: Request, send: @escaping @Sendable ([UInt8]) -> Void
  ) {
    switch answer {
    case .records(let records): send(message(request, code: 0, records))
    case .nxdomain: send(message(request, code: 3, []))
    case .code(let code): send(message(request, code: code, []))
    case .silence: break
    case .delayed(let seconds, let later):
      Thread.detachNewThread {
        Thread.sleep(forTimeInterval: seconds)
        reply(later, to: request, send: send)
      }
    case .truncated(let whole):
      if request.tcp { return reply(whole, to: request, send: send) }
      var cut = message(request, code: 0, [])
      cut[2] |= 0x02
      send(cut)
    case .onlyWithoutEDNS(let plain):
      reply(request.edns ? .code(1) : plain, to: request, send: send)
    case .first(let now, _): reply(now, to: request, send: send)
    case .raw(let bytes): send(request.head + bytes)
    case .afterForgeries(let real):
      var forged = message(request, code: 3, [])
      forged[0] ^= 0xFF
      send(forged)
      forged = message(request, code: 3, [])
      forged[13] ^= 0x01
      send(forged)
      reply(real, to: request, send: send)
    }
  }

  private static func message(_ request: Request, code: UInt8, _ records: [Record]) -> [UInt8] {
    var bytes = request.head + [0x81, 0x80 | code, 0, 1]
    bytes += [UInt8(records.count >> 8), UInt8(records.count & 0xFF), 0, 0, 0, 0] + request.question
    for record in records {
      bytes += record.owner.map(wire) ?? [0xC0, 12]
      bytes += [UInt8(record.kind >> 8), UInt8(record.kind & 0xFF), 0, 1, 0, 0, 0, 60]
      bytes += [UInt8(record.data.count >> 8), UInt8(record.data.count & 0xFF)] + record.data
    }
    return bytes
  }

  /// A name as the wire has it, uncompressed.
  public static func wire(_ name: String) -> [UInt8] {
    name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
  }
}
