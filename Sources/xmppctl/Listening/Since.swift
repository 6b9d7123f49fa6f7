/// What `--since` asks for.
enum Since: Equatable {
  /// Everything from a moment on, as XEP-0082 writes it.
  case time(String)
  /// The last so many messages.
  case last(Int)

  /// Reads `2026-11-22`, `2026-11-22T10:00:00Z` or a number; `nil` if it is none of these.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    if let count = Int(text) {
      guard count > 0, count <= Int32.max else { return nil }
      self = .last(count)
    } else if Since.matches(bytes, "dddd-dd-dd") {
      self = .time(text + "T00:00:00Z")
    } else if bytes.count <= 40, Since.matches(Array(bytes.prefix(19)), "dddd-dd-ddTdd:dd:dd"),
      Since.isZone(bytes.dropFirst(19))
    {
      self = .time(text)
    } else {
      return nil
    }
  }

  private static func matches(_ bytes: [UInt8], _ form: String) -> Bool {
    bytes.count == form.utf8.count
      && zip(bytes, form.utf8).allSatisfy { $1 == UInt8(ascii: "d") ? 0x30...0x39 ~= $0 : $0 == $1 }
  }

  private static func isZone(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst().drop { 0x30...0x39 ~= $0 } }
    let zone = Array(rest)
    return matches(zone, "Z") || matches(zone, "+dd:dd") || matches(zone, "-dd:dd")
  }
}
