import XMPP

/// The last ids of archived messages that were read, so that overlapping pages print none of them twice. Bounded.
struct RecentIDs {
  /// Ids, and bytes of each: no archive has longer ones.
  private static let limit = 8192
  static let longest = 256

  private var known: Set<String.UTF8Key> = []
  /// The same in the order they came, as a ring.
  private var order: [String.UTF8Key] = []
  private var oldest = 0

  /// Notes an id.
  ///
  /// - Returns: whether it is new.
  mutating func insert(_ id: String) -> Bool {
    guard id.utf8.count <= RecentIDs.longest else { return true }
    let id = String.UTF8Key(id)
    guard known.insert(id).inserted else { return false }
    if order.count < RecentIDs.limit {
      order.append(id)
    } else {
      known.remove(order[oldest])
      order[oldest] = id
      oldest = (oldest + 1) % RecentIDs.limit
    }
    return true
  }
}
