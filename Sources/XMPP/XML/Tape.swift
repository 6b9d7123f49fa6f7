import Glibc

/// The storage behind elements: a whole tree in three arrays, so that a stanza costs few allocations.
///
/// Cells stand in document order: an element, its attributes, then its content.
///
/// Sendable although its fields can be set: only the builder or parser that made a tape writes to it, and only while it
/// holds the one reference; from the moment an `Element` is handed out nobody does. For the same reason the fields do
/// without the run-time check that no two accesses overlap, which would be a third of the cost of a stanza.
final class Tape: @unchecked Sendable {
  /// One element, attribute or run of text.
  struct Cell {
    enum Kind: UInt8 { case element, attribute, text }
    var kind: Kind
    /// Places in `names`; 0 is the empty string.
    var name: UInt32
    var namespace: UInt32
    /// An element's number of attributes; else the place of the first byte in `bytes`.
    var first: UInt32
    /// The place behind an element's last cell; else the number of bytes.
    var second: UInt32
  }

  @exclusivity(unchecked) var cells: [Cell] = []
  @exclusivity(unchecked) var bytes: [UInt8] = []
  /// The names and namespaces that the cells refer to, the common ones first; shared with the parser that interned them.
  @exclusivity(unchecked) var names = CommonName.strings
  /// The places of `names` by their bytes, for a tree built by hand once it has many: not all of them need be in it yet.
  @exclusivity(unchecked) private var places: [String.UTF8Key: Int] = [:]
  /// So many names are searched one by one, which is faster than hashing them.
  private static let fewNames = 64
  /// The innermost open element, or -1. Until an element is closed its `second` holds the one around it.
  @exclusivity(unchecked) private var open = -1
  /// Whether the last cell is text that more text continues.
  @exclusivity(unchecked) private var textIsOpen = false

  /// Forgets the tree and keeps the memory, unless that has become much.
  func reset() {
    cells.removeAll(keepingCapacity: cells.capacity <= 1 << 12)
    bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 17)
    names = []
    open = -1
    textIsOpen = false
  }

  /// Whether the outermost element is closed.
  var isComplete: Bool { open < 0 && !cells.isEmpty }

  func openElement(_ name: UInt32, _ namespace: UInt32, attributes: Int) {
    let outer = UInt32(truncatingIfNeeded: open)
    open = cells.count
    textIsOpen = false
    cells.append(
      Cell(
        kind: .element, name: name, namespace: namespace, first: UInt32(clamping: attributes), second: outer))
  }

  func closeElement() {
    guard open >= 0 else { return }
    let outer = Int(Int32(truncatingIfNeeded: cells[open].second))
    cells[open].second = UInt32(clamping: cells.count)
    open = outer
    textIsOpen = false
  }

  func attribute(_ name: UInt32, _ namespace: UInt32, _ value: UnsafeBufferPointer<UInt8>) {
    cells.append(
      Cell(
        kind: .attribute, name: name, namespace: namespace, first: UInt32(clamping: bytes.count),
        second: UInt32(clamping: value.count)))
    bytes.append(contentsOf: value)
  }

  func text(_ text: UnsafeBufferPointer<UInt8>) {
    guard !text.isEmpty else { return }
    if textIsOpen {
      cells[cells.count - 1].second &+= UInt32(clamping: text.count)
    } else {
      textIsOpen = true
      cells.append(
        Cell(
          kind: .text, name: 0, namespace: 0, first: UInt32(clamping: bytes.count),
          second: UInt32(clamping: text.count)))
    }
    bytes.append(contentsOf: text)
  }

  /// The place of a name, added if it is new.
  func intern(_ name: String) -> UInt32 {
    let place =
      names.count <= Tape.fewNames ? names.firstIndex { $0.isSame(as: name) } : indexedPlace(of: name)
    if let place { return UInt32(clamping: place) }
    names.append(name)
    return UInt32(clamping: names.count - 1)
  }

  /// The place of a name among many, by a table that is brought up to date first.
  private func indexedPlace(of name: String) -> Int? {
    for place in places.count..<max(places.count, names.count) {
      places[String.UTF8Key(names[place])] = place
    }
    return places[String.UTF8Key(name)]
  }

  /// Appends a whole element of another tape.
  func copy(_ element: Element) {
    // By the places in the other tape, which may have very many names that are not this element's.
    var known: [UInt32: UInt32] = [:]
    func place(_ old: UInt32) -> UInt32 {
      // The common names have the same place in each tape.
      if old < CommonName.strings.count { return old }
      if let place = known[old] { return place }
      let new = intern(element.tape.names[Int(old)])
      known[old] = new
      return new
    }
    let start = cells.count
    copy(element) { _, _ in nil }
    for index in start..<cells.count {
      cells[index].name = place(cells[index].name)
      cells[index].namespace = place(cells[index].namespace)
    }
  }

  /// Appends a whole element of a tape that has the same names, with what `replacement` gives in place of the bytes of its
  /// attributes and texts.
  func copy(_ element: Element, _ replacement: (Int, UnsafeBufferPointer<UInt8>) -> [UInt8]?) {
    let shift = cells.count - element.index
    for index in element.index..<element.end {
      var copy = element.tape.cells[index]
      if copy.kind == .element {
        _ = replacement(index, UnsafeBufferPointer(start: nil, count: 0))
        copy.second = UInt32(clamping: Int(copy.second) + shift)
      } else {
        let first = bytes.count
        element.tape.withBytes(of: copy) { value in
          if let other = replacement(index, value) {
            bytes.append(contentsOf: other)
          } else {
            bytes.append(contentsOf: value)
          }
        }
        copy.first = UInt32(clamping: first)
        copy.second = UInt32(clamping: bytes.count - first)
      }
      cells.append(copy)
    }
    textIsOpen = false
  }

  /// The bytes of a text's or an attribute's cell.
  func withBytes<R, E: Error>(
    of cell: Cell, _ body: (UnsafeBufferPointer<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try bytes.withUnsafeBufferPointer { (all) throws(E) -> R in
      try body(UnsafeBufferPointer(rebasing: all[Int(cell.first)..<Int(cell.first) + Int(cell.second)]))
    }
  }
}

extension String {
  /// Whether both have the same UTF-8 bytes; `==` would also hold for other spellings of the same characters.
  @inline(__always) public func isSame(as other: String) -> Bool {
    let count = utf8.count
    guard count == other.utf8.count else { return false }
    let same = utf8.withContiguousStorageIfAvailable { mine in
      other.utf8.withContiguousStorageIfAvailable { theirs in
        guard let a = mine.baseAddress, let b = theirs.baseAddress else { return true }
        return memcmp(a, b, count) == 0
      }
    }
    return (same ?? nil) ?? utf8.elementsEqual(other.utf8)
  }

  /// Matches strings in a `switch` of this module by their bytes: `==` composes the characters of what a peer sent.
  static func ~= (pattern: String, value: String) -> Bool { value.isSame(as: pattern) }

  /// A string as a key by its bytes: `==` of String would take canonically equal ids for the same.
  public struct UTF8Key: Hashable, Sendable {
    /// The string.
    public let string: String

    /// The key of a string.
    public init(_ string: String) { self.string = string }

    /// Whether both have the same bytes.
    public static func == (left: UTF8Key, right: UTF8Key) -> Bool { left.string.isSame(as: right.string) }

    /// Feeds the bytes. String's own hash composes the characters, which takes long for marks that a peer has put in disorder.
    public func hash(into hasher: inout Hasher) {
      var string = string
      string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
  }
}
