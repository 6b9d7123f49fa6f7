/// A domain name as the wire has it: labels behind their lengths, uncompressed, letters in lower case so that equal names
/// are equal bytes (RFC 4343).
struct DNSName: Sendable, Hashable {
  private(set) var wire: [UInt8]

  /// Reads a host name, with or without a final dot; `nil` when it is none (RFC 1123 §2.1, with the underscore of SRV).
  init?(_ text: String) {
    var bytes = text.utf8[...]
    if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
    wire = []
    for label in bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      guard (1...63).contains(label.count), label.allSatisfy(DNSName.isPlain) else { return nil }
      wire.append(UInt8(label.count))
      wire += label.map(DNSName.lowercase)
    }
    wire.append(0)
    guard wire.count <= 255 else { return nil }
  }

  /// A name from its labels, which are within the limits.
  fileprivate init(wire: [UInt8]) { self.wire = wire.map(DNSName.lowercase) }

  /// As people write it; `.` is the root. A byte that does not belong in a host name is `\` and three digits, so a label
  /// that holds a dot does not read as two.
  var text: String {
    var labels: [String] = []
    var rest = wire[...]
    while let length = rest.popFirst(), length > 0 {
      labels.append(
        rest.prefix(Int(length)).map {
          DNSName.isPlain($0) ? String(UnicodeScalar($0)) : "\\" + String(String(1000 + Int($0)).dropFirst())
        }.joined())
      rest = rest.dropFirst(Int(length))
    }
    return labels.isEmpty ? "." : labels.joined(separator: ".")
  }

  // A length is at most 63 and so never taken for a capital letter, which start at 65.
  private static func lowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    default: false
    }
  }
}

/// The types of record this program reads (RFC 1035 §3.2.2, RFC 3596, RFC 2782).
enum DNSType: UInt16, Sendable {
  case a = 1
  case cname = 5
  case aaaa = 28
  case srv = 33
}

/// A question to a name server.
struct DNSQuestion: Sendable, Hashable {
  var name: DNSName
  var type: DNSType

  /// The message that asks it (RFC 1035 §4.1): recursion desired, and by EDNS0 up to 1232 bytes of answer (RFC 6891).
  func message(id: UInt16, edns: Bool) -> [UInt8] {
    var bytes: [UInt8] = [UInt8(id >> 8), UInt8(id & 0xFF), 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0]
    bytes += name.wire + [0, UInt8(type.rawValue), 0, 1]
    if edns { bytes += [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0] }
    return bytes
  }
}

/// A record of an answer.
struct DNSRecord: Sendable, Hashable {
  enum Content: Sendable, Hashable {
    case address(IPAddress)
    case alias(DNSName)
    case service(ServiceRecord)
  }

  var owner: DNSName
  var content: Content
}

/// What a message that came in is.
enum DNSReply: Sendable, Equatable {
  /// Not the answer to this question: another id, another question, no answer at all.
  case foreign
  /// The answer to the question, but broken.
  case malformed
  /// Cut off: to be asked again over TCP.
  case truncated
  /// The response code (RFC 1035 §4.1.1), and the records of the answer section of the types this program reads.
  case answer(code: UInt8, [DNSRecord])

  /// Reads a message as the answer to `question` asked under `id`.
  init(_ bytes: ArraySlice<UInt8>, to question: DNSQuestion, id: UInt16) {
    var reader = DNSReader(bytes)
    guard reader.number() == id, let flags = reader.number(), flags & 0xF800 == 0x8000,
      reader.number() == 1, let count = reader.number(), reader.skip(4),
      reader.name() == question.name, reader.number() == question.type.rawValue, reader.number() == 1
    else {
      self = .foreign
      return
    }
    if flags & 0x0200 != 0 {
      self = .truncated
      return
    }
    var records: [DNSRecord] = []
    for _ in 0..<count {
      guard reader.record(into: &records) else {
        self = .malformed
        return
      }
    }
    self = .answer(code: UInt8(flags & 0xF), records)
  }
}

/// Reads a DNS message from its start; every step says `nil` or `false` where the bytes do not have it.
private struct DNSReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: ArraySlice<UInt8>) { self.bytes = Array(bytes) }

  mutating func skip(_ count: Int) -> Bool {
    guard count <= bytes.count - position else { return false }
    position += count
    return true
  }

  mutating func number() -> UInt16? {
    let start = position
    guard skip(2) else { return nil }
    return UInt16(bytes[start]) << 8 | UInt16(bytes[start + 1])
  }

  /// A name, whose end may stand elsewhere (RFC 1035 §4.1.4). Each pointer has to lead to before the place the last one
  /// led to, so that it ends.
  mutating func name() -> DNSName? {
    var wire: [UInt8] = []
    var at = position
    var limit = position
    var end: Int?
    while at < bytes.count {
      let length = Int(bytes[at])
      switch length {
      case 0:
        wire.append(0)
        position = end ?? at + 1
        return DNSName(wire: wire)
      case 1...63:
        // The root's length follows, so 254 is the most before it.
        guard length < bytes.count - at, wire.count + 1 + length <= 254 else { return nil }
        wire += bytes[at...(at + length)]
        at += 1 + length
      case 0xC0...0xFF:
        guard at + 1 < bytes.count else { return nil }
        let target = (length & 0x3F) << 8 | Int(bytes[at + 1])
        guard target < limit else { return nil }
        end = end ?? at + 2
        (at, limit) = (target, target)
      default:
        return nil
      }
    }
    return nil
  }

  /// A record, kept when its type is of use; `false` when it is broken.
  mutating func record(into records: inout [DNSRecord]) -> Bool {
    guard let owner = name(), let type = number(), let kind = number(), skip(4), let length = number()
    else { return false }
    let end = position + Int(length)
    guard end <= bytes.count else { return false }
    guard kind == 1, let type = DNSType(rawValue: type) else {
      position = end
      return true
    }
    guard let content = content(type, Int(length)), position == end else { return false }
    records.append(DNSRecord(owner: owner, content: content))
    return true
  }

  private mutating func content(_ type: DNSType, _ length: Int) -> DNSRecord.Content? {
    switch type {
    case .a, .aaaa:
      let start = position
      guard skip(length) else { return nil }
      let raw = Array(bytes[start..<position])
      return (type == .a ? IPAddress(v4: raw) : IPAddress(v6: raw)).map(DNSRecord.Content.address)
    case .cname:
      return name().map(DNSRecord.Content.alias)
    case .srv:
      guard let priority = number(), let weight = number(), let port = number(), let target = name() else {
        return nil
      }
      return .service(
        ServiceRecord(priority: priority, weight: weight, port: port, target: target.text))
    }
  }
}
