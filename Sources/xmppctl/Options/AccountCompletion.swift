/// The names of accounts, for a shell that asks how `--account` may go on.
enum AccountCompletion {
  /// The accounts of the configuration that `--config` among the words or the environment names; none where it cannot
  /// be read. Nothing else of it is told.
  ///
  /// - Parameters:
  ///   - words: the command line so far.
  ///   - index: which of the words is to be completed.
  ///   - prefix: what is there of it.
  @Sendable static func names(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
    let value = words.firstIndex(of: "--config").map { $0 + 1 }
    let file = value.flatMap { words.indices.contains($0) && $0 != index ? words[$0] : nil }
    let configuration = try? Configuration.load(named: file, .take())
    return (configuration?.accounts.keys.sorted() ?? []).filter { $0.utf8.allSatisfy(isPlain) }
  }

  /// Whether a shell can take it as it is: other names are for those who type them.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "@"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
