import XMPP

/// Escapes what must not reach a terminal or a line boundary raw (`UnsafeCharacter`), and what JSON escapes.
enum Hazard {
  /// The unsafe scalar at `index` and its length in bytes; `nil` if what is there may be shown.
  @inline(__always)
  static func at(_ index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> (scalar: UInt32, length: Int)? {
    UnsafeCharacter.at(index, in: bytes)
  }

  /// The place of the first byte from `index` on that may begin something hazardous, or is `"` or `\`.
  @inline(__always)
  static func skipPlain(_ text: UnsafeBufferPointer<UInt8>, from index: Int) -> Int {
    let bytes = UnsafeRawBufferPointer(text)
    var index = index
    while true {
      // Eight bytes at a time: the lowest byte whose highest bit is set in `found` is the first that may be one.
      while index &+ 8 <= bytes.count {
        let eight = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        let found =
          ((eight &- ones &* 0x20) | eight | equal(eight, 0x22) | equal(eight, 0x5C) | equal(eight, 0x7F))
          & highBits
        if found != 0 {
          index &+= found.littleEndian.trailingZeroBitCount >> 3
          break
        }
        index &+= 8
      }
      guard index < bytes.count else { return index }
      switch bytes[index] {
      case 0..<0x20, 0x22, 0x5C, 0x7F: return index
      case let byte where byte >= 0x80 && UnsafeCharacter.mayBegin(byte): return index
      default: index &+= 1
      }
    }
  }

  private static let highBits: UInt64 = 0x8080_8080_8080_8080
  private static let ones: UInt64 = 0x0101_0101_0101_0101

  @inline(__always) private static func equal(_ eight: UInt64, _ byte: UInt8) -> UInt64 {
    let difference = eight ^ (ones &* UInt64(byte))
    return (difference &- ones) & ~difference
  }

  /// `\u` and four hexadecimal digits; beyond U+FFFF that of each surrogate (RFC 8259 §7).
  static func escape(_ scalar: UInt32, into output: inout [UInt8]) {
    guard scalar <= 0xFFFF else {
      escape(0xD7C0 + scalar >> 10, into: &output)
      return escape(0xDC00 + scalar & 0x3FF, into: &output)
    }
    output.append(UInt8(ascii: "\\"))
    output.append(UInt8(ascii: "u"))
    for shift in [12, 8, 4, 0] as [UInt32] {
      let digit = UInt8(truncatingIfNeeded: scalar >> shift & 0xF)
      output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}

extension String {
  /// The text on one line and harmless to a terminal: what is hazardous stands there as `\n`, `\t`, `\r` or `\uXXXX`.
  var shown: String {
    var copy = self
    return copy.withUTF8 { bytes in
      var output: [UInt8] = []
      output.reserveCapacity(bytes.count)
      Hazard.append(shown: bytes, to: &output)
      return String(decoding: output, as: UTF8.self)
    }
  }
}

extension Hazard {
  /// Appends UTF-8 as `String.shown` has it.
  static func append(shown bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
    var start = 0
    var index = 0
    while true {
      index = skipPlain(bytes, from: index)
      guard index < bytes.count else { break }
      guard let hazard = at(index, in: bytes) else {
        index += 1
        continue
      }
      output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
      switch hazard.scalar {
      case 0x09: output.append(contentsOf: "\\t".utf8)
      case 0x0A: output.append(contentsOf: "\\n".utf8)
      case 0x0D: output.append(contentsOf: "\\r".utf8)
      default: escape(hazard.scalar, into: &output)
      }
      index += hazard.length
      start = index
    }
    output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
  }
}
