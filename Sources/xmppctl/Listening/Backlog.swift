/// Which of the stanzas that came may be called handled: those whose lines are written, in the order they came, across
/// connections. No I/O.
///
/// A stanza may be held back, so that lines of later ones are written first; nothing behind it is handled before it.
///
/// A resumed session begins with every stanza that was not handled, once more. Those that were taken already get no second
/// line, and count once they have both come again and been written. A new session brings nothing back; what then still
/// waits belongs to nobody's count.
struct Backlog {
  /// Stanzas taken, in the order they came.
  private(set) var taken = 0
  /// How many of them, from the first on, are written.
  private(set) var written = 0

  /// Places in the order of lines: given away, and written.
  private var places = 0
  private var placesWritten = 0
  /// The first stanza held back, and the place that the last of them got.
  private var barrier: Int?
  private var release: Int?

  /// Stanzas that come again, how many of them have, and how many were written.
  private var known = 0
  private var knownArrived = 0
  private var knownWritten = 0
  /// Stanzas taken and not written that nobody counts.
  private var orphans = 0

  /// A stanza got its place among the lines.
  mutating func takes() {
    taken += 1
    places += 1
  }

  /// A stanza is held back.
  mutating func holds() {
    barrier = barrier ?? taken
    release = nil
    taken += 1
  }

  /// Those held back got their places.
  mutating func releases(_ count: Int) {
    places += count
    release = places
  }

  /// Takes a stanza that came.
  ///
  /// - Returns: how many stanzas are handled by its coming again; `nil` where it is a new one.
  mutating func arrives() -> Int? {
    guard knownArrived < known else { return nil }
    knownArrived += 1
    return knownArrived <= knownWritten ? 1 : 0
  }

  /// So many more places are written.
  ///
  /// - Returns: how many stanzas are handled by that.
  mutating func wrote(_ count: Int) -> Int {
    placesWritten += count
    var now = placesWritten
    if let barrier {
      if let release, placesWritten >= release {
        self.barrier = nil
        self.release = nil
      } else {
        now = min(now, barrier)
      }
    }
    defer { written = now }
    return handled(now - written)
  }

  /// The old session goes on.
  mutating func resumes() {
    let ahead = max(0, knownWritten - knownArrived)
    known = taken - written - orphans + ahead
    (knownWritten, knownArrived) = (ahead, 0)
  }

  /// The old session is gone, and its counts with it.
  mutating func abandons() {
    (known, knownArrived, knownWritten) = (0, 0, 0)
    orphans = taken - written
  }

  private mutating func handled(_ count: Int) -> Int {
    let ownerless = min(count, orphans)
    orphans -= ownerless
    let old = min(count - ownerless, known - knownWritten)
    let before = min(knownArrived, knownWritten)
    knownWritten += old
    return min(knownArrived, knownWritten) - before + count - ownerless - old
  }
}
