/// The name of a host as DNS has it, in ASCII: labels of letters, digits, hyphens and the underscores of SRV names.
struct HostName: Sendable, Hashable {
  /// In lower case (RFC 4343), without a final dot.
  let text: String

  /// Reads a name, with or without a final dot; `nil` if it is none (RFC 1123 §2.1), or too long (RFC 1035 §2.3.4).
  init?(_ text: String) {
    var bytes = text.utf8[...]
    if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
    // 255 bytes on the wire, where each label has a length before it and the root's follows.
    guard (1...253).contains(bytes.count) else { return nil }
    for label in bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      guard (1...63).contains(label.count), label.allSatisfy(HostName.isPlain) else { return nil }
    }
    self.text = String(decoding: bytes.map(HostName.lowercase), as: UTF8.self)
  }

  /// How many dots it has.
  var dots: Int { text.utf8.count { $0 == UInt8(ascii: ".") } }

  /// Whether it is `localhost` or below it, which needs no question (RFC 6761 §6.3).
  var isLocal: Bool {
    let labels = text.utf8.split(separator: UInt8(ascii: "."))
    return labels.last?.elementsEqual("localhost".utf8) ?? false
  }

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

/// What the system says about looking for names: `resolv.conf`, `nsswitch.conf` and the environment.
struct LookupRules: Sendable, Equatable {
  /// Where addresses are looked for.
  enum Source: Sendable { case hostsFile, dns }

  /// From so many dots on, a name is asked for as it is before the search list is tried.
  var dots: Int
  /// The domains to look for a name in.
  var search: [String]
  /// The sources in their order.
  var sources: [Source]

  /// The names to ask for in turn, as resolv.conf(5) says.
  func candidates(for name: HostName) -> [HostName] {
    let searched = search.compactMap { HostName("\(name.text).\($0)") }
    return name.dots >= dots ? [name] + searched : searched + [name]
  }
}
