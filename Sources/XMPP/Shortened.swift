extension String {
  /// The text as far as a person reads it: at most so many bytes of it, and an ellipsis where more follows.
  package func shortened(to limit: Int) -> String {
    guard utf8.count > limit else { return self }
    var bytes = Array(utf8.prefix(limit))
    // No part of a character is left.
    while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
    if let last = bytes.last, last >= 0x80 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self) + "…"
  }
}

extension [String] {
  /// The first few as a list for a person, each shortened, and how many more there are.
  package func listed(_ limit: Int = 8) -> String {
    let few = prefix(limit).map { $0.shortened(to: 100) }.joined(separator: ", ")
    return count > limit ? "\(few) and \(count - limit) more" : few
  }
}
