/// Checks characters beyond ASCII byte by byte: no overlong forms, no surrogates, nothing above U+10FFFF, and neither
/// U+FFFE nor U+FFFF, which XML does not have (RFC 3629 §4, XML 1.0 §2.2).
struct UTF8Check {
  /// Bytes of an unfinished character; 0 between characters.
  private(set) var seen = 0
  private var missing = 0
  /// What the next byte may be.
  private var range: ClosedRange<UInt8> = 0x80...0xBF
  /// Whether the character so far begins as U+FFC0 and above do.
  private var isLast = false

  /// Takes one byte; `false` when it cannot stand there.
  mutating func accept(_ byte: UInt8) -> Bool {
    if seen == 0 { return begin(byte) }
    guard range.contains(byte) else { return false }
    seen += 1
    missing -= 1
    range = isLast && byte == 0xBF && missing == 1 ? 0x80...0xBD : 0x80...0xBF
    if missing == 0 { seen = 0 }
    return true
  }

  private mutating func begin(_ byte: UInt8) -> Bool {
    switch byte {
    case 0xC2...0xDF: (missing, range) = (1, 0x80...0xBF)
    case 0xE0: (missing, range) = (2, 0xA0...0xBF)
    case 0xED: (missing, range) = (2, 0x80...0x9F)
    case 0xE1...0xEF: (missing, range) = (2, 0x80...0xBF)
    case 0xF0: (missing, range) = (3, 0x90...0xBF)
    case 0xF1...0xF3: (missing, range) = (3, 0x80...0xBF)
    case 0xF4: (missing, range) = (3, 0x80...0x8F)
    default: return false
    }
    isLast = byte == 0xEF
    seen = 1
    return true
  }
}

/// Whether a byte is XML's white space.
@inline(__always) func isWhitespace(_ byte: UInt8) -> Bool {
  byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
}

/// The place of the first byte from `index` on that can mean something in text.
@inline(__always) func plainText(_ bytes: UnsafeRawPointer, _ index: Int, _ end: Int) -> Int {
  var index = index
  while index &+ 8 <= end {
    let eight = (bytes + index).loadUnaligned(as: UInt64.self)
    let found = unusual(eight) | equal(eight, 0x3C) | equal(eight, 0x26) | equal(eight, 0x5D)
    if found & highBits != 0 { return index &+ (found & highBits).littleEndian.trailingZeroBitCount >> 3 }
    index &+= 8
  }
  while index < end {
    let byte = bytes.load(fromByteOffset: index, as: UInt8.self)
    if byte < 0x20 || byte >= 0x80 || byte == 0x3C || byte == 0x26 || byte == 0x5D { break }
    index &+= 1
  }
  return index
}

/// The place of the first byte from `index` on that can mean something in an attribute value.
@inline(__always) func plainValue(
  _ bytes: UnsafeRawPointer, _ index: Int, _ end: Int, quote: UInt8
) -> Int {
  var index = index
  while index &+ 8 <= end {
    let eight = (bytes + index).loadUnaligned(as: UInt64.self)
    let found = unusual(eight) | equal(eight, 0x3C) | equal(eight, quote)
    if found & highBits != 0 { return index &+ (found & highBits).littleEndian.trailingZeroBitCount >> 3 }
    index &+= 8
  }
  while index < end {
    let byte = bytes.load(fromByteOffset: index, as: UInt8.self)
    if byte < 0x20 || byte >= 0x80 || byte == 0x3C || byte == quote { break }
    index &+= 1
  }
  return index
}

/// The place of the first byte from `index` on that is not a letter, a blank or the like inside a tag.
@inline(__always) func plainName(_ bytes: UnsafeRawPointer, _ index: Int, _ end: Int) -> Int {
  var index = index
  while index < end {
    let byte = bytes.load(fromByteOffset: index, as: UInt8.self)
    guard byte >= 0x41 && byte < 0x80 || byte == 0x20 || byte == 0x3A || byte == 0x2D else { break }
    index &+= 1
  }
  return index
}

// Eight bytes at a time. In what these return, the lowest byte whose highest bit is set is the first that was looked for;
// the bits above it mean nothing.
private let highBits: UInt64 = 0x8080_8080_8080_8080
private let ones: UInt64 = 0x0101_0101_0101_0101

/// Finds controls and bytes of characters beyond ASCII.
@inline(__always) private func unusual(_ eight: UInt64) -> UInt64 { (eight &- ones &* 0x20) | eight }

@inline(__always) private func equal(_ eight: UInt64, _ byte: UInt8) -> UInt64 {
  let difference = eight ^ (ones &* UInt64(byte))
  return (difference &- ones) & ~difference
}
