/// What a server offers for logging in, as it stood on the wire.
public struct SASLOffer: Sendable, Equatable {
  /// The mechanisms' names in the server's order.
  public let mechanisms: [String]
  /// The channel-binding types it lists (XEP-0440); `nil` where it has no such list.
  public let channelBindings: [String]?

  /// An offer of these mechanisms and channel-binding types.
  public init(mechanisms: [String], channelBindings: [String]? = nil) {
    self.mechanisms = mechanisms
    self.channelBindings = channelBindings
  }

  /// What XEP-0474 §5.1 hashes: both lists, each sorted by its bytes.
  var downgradeInput: [UInt8] {
    var input = SASLOffer.joined(mechanisms)
    if let channelBindings { input += [0x1F] + SASLOffer.joined(channelBindings) }
    return input
  }

  private static func joined(_ names: [String]) -> [UInt8] {
    let sorted = names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    return Array(sorted.joined(separator: [0x1E]))
  }
}
