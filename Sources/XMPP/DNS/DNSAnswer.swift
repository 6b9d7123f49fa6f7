import CCares
import Glibc

/// A question to the name servers.
struct DNSQuestion: Sendable, Hashable {
  /// The types of record that this program asks for; the raw value is that of the wire.
  enum Kind: Int32, Sendable {
    case a = 1
    case aaaa = 28
    case srv = 33
  }

  var name: HostName
  var kind: Kind
}

/// What the name servers say to one question.
enum DNSAnswer: Sendable, Equatable {
  /// Addresses, of the name itself or at the end of its aliases; at least one.
  case addresses([IPAddress])
  /// SRV records, at least one.
  case services([ServiceRecord])
  /// The name exists, but has no such record.
  case noData
  /// The name does not exist (NXDOMAIN).
  case noSuchName
  /// Nobody could say.
  case failed(DNSProblem)
}

/// Why the name servers could not say.
enum DNSProblem: Sendable, Equatable {
  /// A response code other than success and NXDOMAIN (RFC 1035 §4.1.1, RFC 6895 §2.3).
  case code(UInt8)
  /// An answer that is broken, or was cut off over TCP too.
  case malformed
  /// No server answered in time.
  case timeout
  /// No server can be asked: nothing listens there, or there is no route.
  case unreachable
  /// c-ares could not: no memory, a file it cannot read. What it says itself.
  case system(String)

  /// Whether the servers answer, and only this type of question not: some forwarders know A and AAAA alone.
  var isUnsupported: Bool { self == .code(1) || self == .code(4) || self == .code(5) }
}

extension DNSAnswer {
  /// Reads what c-ares gives to a callback of `ares_query`.
  init(_ status: Int32, _ message: UnsafeBufferPointer<UInt8>, to question: DNSQuestion) {
    let hasHeader = message.count >= 12
    if status == cares_success || status == cares_no_data, hasHeader {
      // 1.18 takes a response code that it does not know for success. What is cut off over TCP too has no whole answer.
      let (flags, code) = (message[2], message[3] & 0xF)
      if code != 0 {
        self = .failed(.code(code))
      } else if flags & 0x02 != 0 {
        self = .failed(.malformed)
      } else {
        self = DNSAnswer(parsing: message, to: question)
      }
      return
    }
    self =
      switch status {
      case cares_no_data: .noData
      case cares_not_found: .noSuchName
      case cares_format_error: .failed(.code(1))
      case cares_server_failure: .failed(.code(2))
      case cares_not_implemented: .failed(.code(4))
      case cares_refused: .failed(.code(5))
      case cares_timeout: .failed(.timeout)
      case cares_connection_refused: .failed(.unreachable)
      case cares_success, cares_bad_response, cares_bad_name: .failed(.malformed)
      default: .failed(.system(String(cString: ares_strerror(status))))
      }
  }

  /// Reads the records of a message that c-ares has found to be the answer to a question.
  init(parsing message: UnsafeBufferPointer<UInt8>, to question: DNSQuestion) {
    guard let bytes = message.baseAddress else {
      self = .failed(.malformed)
      return
    }
    let count = Int32(clamping: message.count)
    let status: Int32
    switch question.kind {
    case .srv:
      var list: UnsafeMutablePointer<ares_srv_reply>?
      status = ares_parse_srv_reply(bytes, count, &list)
      defer { ares_free_data(list) }
      if status == cares_success, let list {
        self = .services(ServiceRecord.all(in: list))
        return
      }
    case .a, .aaaa:
      var host: UnsafeMutablePointer<hostent>?
      status =
        question.kind == .a
        ? ares_parse_a_reply(bytes, count, &host, nil, nil)
        : ares_parse_aaaa_reply(bytes, count, &host, nil, nil)
      defer { if host != nil { ares_free_hostent(host) } }
      if status == cares_success, let host {
        let found = Array(IPAddress.all(in: host.pointee).prefix(EndpointPlan.maximumCount))
        self = found.isEmpty ? .noData : .addresses(found)
        return
      }
    }
    self =
      switch status {
      case cares_success, cares_no_data: .noData
      case cares_no_memory: .failed(.system(String(cString: ares_strerror(status))))
      default: .failed(.malformed)
      }
  }
}

extension ServiceRecord {
  /// The records of a list of c-ares. The root, which is `.` as a target, is an empty name there.
  fileprivate static func all(in list: UnsafeMutablePointer<ares_srv_reply>) -> [ServiceRecord] {
    sequence(first: list) { $0.pointee.next }.map { record in
      let target = record.pointee.host.map { String(cString: $0) } ?? ""
      return ServiceRecord(
        priority: record.pointee.priority, weight: record.pointee.weight, port: record.pointee.port,
        target: target.isEmpty ? "." : HostName(target)?.text ?? target)
    }
  }
}

extension IPAddress {
  /// The addresses of a `hostent`, each once.
  fileprivate static func all(in host: hostent) -> [IPAddress] {
    var found: [IPAddress] = []
    var next = host.h_addr_list
    while let list = next, let raw = list.pointee {
      let bytes = Array(UnsafeRawBufferPointer(start: raw, count: Int(host.h_length)))
      let address = host.h_addrtype == AF_INET ? IPAddress(v4: bytes) : IPAddress(v6: bytes)
      if let address, !found.contains(address) { found.append(address) }
      next = list.successor()
    }
    return found
  }

  /// The addresses of a result of `ares_getaddrinfo`, each once.
  static func all(in result: ares_addrinfo) -> [IPAddress] {
    var found: [IPAddress] = []
    var next = result.nodes
    while let node = next {
      if let address = node.pointee.ai_addr.flatMap({ IPAddress($0) }), !found.contains(address) {
        found.append(address)
      }
      next = node.pointee.ai_next
    }
    return found
  }
}
