/// Which of the stanzas that are written may be called handled, across connections. No I/O.
///
/// A resumed session begins with every stanza that was not handled, once more. Those whose lines wait in the buffer, or
/// were written since, are known already: they get no second line, and they count once they have both come again and been
/// written. A new session brings nothing back; what then still waits belongs to nobody's count.
struct Backlog {
  /// Stanzas that come again, how many of them have, and how many have been written.
  private var known = 0
  private var arrived = 0
  private var written = 0
  /// Stanzas in the buffer that nobody counts.
  private var orphans = 0

  /// The old session goes on.
  ///
  /// - Parameter pending: how many stanzas are in the buffer.
  mutating func resumed(pending: Int) {
    let ahead = max(0, written - arrived)
    known = pending - orphans + ahead
    (written, arrived) = (ahead, 0)
  }

  /// The old session is gone, and its counts with it.
  ///
  /// - Parameter pending: how many stanzas are in the buffer.
  mutating func abandoned(pending: Int) {
    (known, arrived, written) = (0, 0, 0)
    orphans = pending
  }

  /// Takes a stanza that came.
  ///
  /// - Returns: whether it is one that came before; then, how many stanzas are handled by its coming again.
  mutating func arrives() -> Int? {
    guard arrived < known else { return nil }
    arrived += 1
    return arrived <= written ? 1 : 0
  }

  /// Takes stanzas that were written, in the order they came.
  ///
  /// - Returns: how many stanzas are handled by that.
  mutating func wrote(_ count: Int) -> Int {
    var count = count
    let ownerless = min(count, orphans)
    orphans -= ownerless
    count -= ownerless
    let old = min(count, known - written)
    let before = min(arrived, written)
    written += old
    return min(arrived, written) - before + count - old
  }
}
