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

  /// The place of a name, added where it is new. For the few names of a tree built by hand.
  func intern(_ name: String) -> UInt32 {
    if let place = names.firstIndex(where: { $0.isSame(as: name) }) { return UInt32(clamping: place) }
    names.append(name)
    return UInt32(clamping: names.count - 1)
  }

  /// Appends a whole element of another tape.
  func copy(_ element: Element) {
    var places = [UInt32?](repeating: nil, count: element.tape.names.count)
    func place(_ old: UInt32) -> UInt32 {
      if let known = places[Int(old)] { return known }
      let new = intern(element.tape.names[Int(old)])
      places[Int(old)] = new
      return new
    }
    let shift = cells.count - element.index
    for cell in element.tape.cells[element.index..<element.end] {
      var copy = cell
      copy.name = place(cell.name)
      copy.namespace = place(cell.namespace)
      if cell.kind == .element {
        copy.second = UInt32(clamping: Int(cell.second) + shift)
      } else {
        copy.first = UInt32(clamping: bytes.count)
        element.tape.withBytes(of: cell) { bytes.append(contentsOf: $0) }
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
}
