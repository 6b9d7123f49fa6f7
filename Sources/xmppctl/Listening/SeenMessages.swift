import XMPP

/// The last messages that have lines, so that one that comes live and from the archive has one line. Bounded.
///
/// The two copies of a message are matched by what the sender wrote (sender, id, type and body), since no id that a live
/// message carries can be trusted (XEP-0359 §6). A sender can only match messages of its own, each copy matches once, and the
/// two must be close in time: the same words a day later are another message.
struct SeenMessages {
  /// One message.
  struct Entry: Equatable {
    let fingerprint: UInt64
    /// When it was received or archived; milliseconds since 1970.
    let time: Int64
    /// The place of its line.
    let place: Int
  }

  /// How far the clocks of the server and of this machine may be apart, delivery included; milliseconds.
  static let margin: Int64 = 300_000
  private static let limit = 8192

  /// The key of the fingerprints.
  let key: SipHash.Key
  /// A ring, the oldest at `oldest` once it is full.
  private var entries: [Entry] = []
  private var oldest = 0
  /// The times of each fingerprint that has not been matched; only while an archive is read.
  private var unmatched: [UInt64: [Int64]]?

  init(key: SipHash.Key = .random(), entries: [Entry] = []) {
    self.key = key
    self.entries = entries.suffix(SeenMessages.limit)
  }

  /// Notes a message.
  mutating func add(_ message: Stanza, at time: Int64, place: Int) {
    let entry = Entry(fingerprint: fingerprint(message), time: time, place: place)
    unmatched?[entry.fingerprint, default: []].append(time)
    if entries.count < SeenMessages.limit {
      entries.append(entry)
    } else {
      forget(entries[oldest])
      entries[oldest] = entry
      oldest = (oldest + 1) % SeenMessages.limit
    }
  }

  /// Matches an entry no more, so that a long reading keeps no more than the ring.
  private mutating func forget(_ entry: Entry) {
    guard var times = unmatched?.removeValue(forKey: entry.fingerprint) else { return }
    if let index = times.firstIndex(of: entry.time) { times.remove(at: index) }
    if !times.isEmpty { unmatched?[entry.fingerprint] = times }
  }

  /// Begins to match, for the reading of an archive.
  mutating func beginMatching() {
    unmatched = entries.reduce(into: [:]) { $0[$1.fingerprint, default: []].append($1.time) }
  }

  /// Ends it; each message can be matched again the next time.
  mutating func endMatching() { unmatched = nil }

  /// Matches a message with one that was noted at about that time.
  ///
  /// - Returns: whether there is one, which then is matched no more.
  mutating func match(_ message: Stanza, at time: Int64) -> Bool {
    guard unmatched?.isEmpty == false else { return false }
    let fingerprint = fingerprint(message)
    guard var times = unmatched?[fingerprint],
      let index = times.firstIndex(where: { abs($0 - time) <= SeenMessages.margin })
    else { return false }
    times.remove(at: index)
    unmatched?[fingerprint] = times.isEmpty ? nil : times
    return true
  }

  /// The newest entries up to a place, which an archive that is read from `time` on may hold once more, the oldest first.
  func newest(_ count: Int, before place: Int, since time: Int64) -> [Entry] {
    let ordered = entries[oldest...] + entries[..<oldest]
    return ordered.filter { $0.place < place && $0.time >= time }.suffix(count)
  }

  private func fingerprint(_ message: Stanza) -> UInt64 { SeenMessages.fingerprint(message, key) }

  /// The keyed hash of what the sender of a message wrote.
  static func fingerprint(_ message: Stanza, _ key: SipHash.Key) -> UInt64 {
    var hash = SipHash(key)
    for name in [CommonName.from, .id, .type] {
      for attribute in message.element.attributes where attribute.commonName == name {
        guard attribute.commonNamespace == .empty else { continue }
        attribute.withUTF8 { hash.add($0) }
      }
      hash.add(Int(name.rawValue))
    }
    for child in message.element.elements where child.commonName == .body && child.commonNamespace == .client
    {
      for case .text(let text) in child.children { text.withUTF8 { hash.add($0) } }
      hash.add(Int(CommonName.body.rawValue))
    }
    return hash.finish()
  }
}
