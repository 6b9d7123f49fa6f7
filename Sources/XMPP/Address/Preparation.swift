import CICU
import Glibc

/// The stringprep profiles that XMPP servers compare by: Nodeprep and Resourceprep (RFC 3920 appendices A and
/// B) and SASLprep (RFC 4013).
///
/// Code points that Unicode 3.2 had not assigned pass, as RFC 3454 §7 allows for queries: emoji in resources
/// and nicknames are everyday, and the servers let them pass too.
enum Preparation {
  case nodeprep
  case resourceprep
  case saslprep

  /// What became of a string.
  enum Outcome: Equatable {
    case prepared([UInt8])
    /// Why not, to complete the sentence "the localpart …", and the code point at fault where there is one.
    case refused(String, character: UInt32?)
  }

  /// Prepares UTF-8. What is plain ASCII never wakes ICU, so that start-up pays nothing for it.
  ///
  /// The copies made here are wiped, because it may be a password; ICU's own scratch space is out of reach.
  ///
  /// - Parameter limit: how many bytes the result may have.
  func prepare(_ bytes: [UInt8], limit: Int) -> Outcome {
    if bytes.allSatisfy({ $0 < 0x80 }) { return prepareASCII(bytes, limit: limit) }
    // Preparation may shorten, but what is this long is no name.
    guard bytes.count <= 4 * limit else { return tooLong(limit) }
    guard let profile = Profile(type) else {
      return .refused("cannot be prepared: ICU has no data", character: nil)
    }

    var source = [UInt16](repeating: 0, count: bytes.count)
    var target = [UInt16](repeating: 0, count: limit)
    defer {
      wipe(&source)
      wipe(&target)
    }
    var status: Int32 = 0
    var sourceLength: Int32 = 0
    bytes.withUnsafeBytes {
      cicu_from_utf8(
        &source, Int32(source.count), &sourceLength, $0.baseAddress?.assumingMemoryBound(to: CChar.self),
        Int32($0.count), &status)
    }
    guard status <= 0 else { return .refused("is not UTF-8", character: nil) }

    var place = cicu_place()
    let length = cicu_usprep_prepare(
      profile.handle, source, sourceLength, &target, Int32(target.count), Int32(CICU_ALLOW_UNASSIGNED),
      &place,
      &status)
    switch Int(status) {
    case CICU_BUFFER_OVERFLOW: return tooLong(limit)
    case CICU_PROHIBITED:
      return .refused("holds a forbidden character", character: place.codePoint)
    case CICU_BIDI:
      return .refused("mixes right-to-left and left-to-right letters", character: nil)
    default:
      guard status <= 0 else { return .refused("cannot be prepared", character: nil) }
    }

    var result = [UInt8](repeating: 0, count: limit)
    var resultLength: Int32 = 0
    result.withUnsafeMutableBytes {
      cicu_to_utf8(
        $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(limit), &resultLength, target, length,
        &status)
    }
    guard status <= 0 else { return tooLong(limit) }
    result.removeLast(limit - Int(resultLength))
    return .prepared(result)
  }

  /// The same result as ICU's, by hand.
  private func prepareASCII(_ bytes: [UInt8], limit: Int) -> Outcome {
    guard bytes.count <= limit else { return tooLong(limit) }
    if let character = bytes.first(where: isForbidden) {
      return .refused("holds a forbidden character", character: UInt32(character))
    }
    return .prepared(self == .nodeprep ? bytes.map(asciiLowercased) : bytes)
  }

  /// RFC 3454 table C.2.1, and for the localpart table C.1.1 and RFC 3920 appendix A.5.
  private func isForbidden(_ byte: UInt8) -> Bool {
    if byte < 0x20 || byte == 0x7F { return true }
    guard self == .nodeprep else { return false }
    switch byte {
    case UInt8(ascii: " "), UInt8(ascii: "\""), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "/"),
      UInt8(ascii: ":"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "@"):
      return true
    default:
      return false
    }
  }

  private func tooLong(_ limit: Int) -> Outcome { .refused("is longer than \(limit) bytes", character: nil) }

  private var type: Int {
    switch self {
    case .nodeprep: CICU_NODEPREP
    case .resourceprep: CICU_RESOURCEPREP
    case .saslprep: CICU_SASLPREP
    }
  }
}

/// SASLprep of a user name or password as UTF-8 (RFC 4013).
///
/// - Parameter part: what it is, for the message; its characters are never quoted.
/// - Throws: `saslprep` when it holds what no password may, or is longer than 1,023 bytes.
func saslprep(_ bytes: [UInt8], _ part: String) throws(Failure) -> [UInt8] {
  switch Preparation.saslprep.prepare(bytes, limit: 1023) {
  case .prepared(let bytes) where !bytes.isEmpty: return bytes
  case .prepared: throw Failure(.input, "saslprep", "the \(part) is empty", status: .data)
  case .refused(let why, character: _):
    throw Failure(.input, "saslprep", "the \(part) \(why)", status: .data)
  }
}

/// Overwrites what held a secret; the compiler does not leave it out.
func wipe<Value: BitwiseCopyable>(_ values: inout [Value]) {
  values.withUnsafeMutableBufferPointer { wipe($0) }
}

/// Overwrites what held a secret; the compiler does not leave it out.
func wipe<Value: BitwiseCopyable>(_ values: UnsafeMutableBufferPointer<Value>) {
  let bytes = UnsafeMutableRawBufferPointer(values)
  if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
}

/// An ASCII letter in lower case; any other byte as it is.
func asciiLowercased(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

/// Owns one of ICU's stringprep profiles.
private final class Profile {
  let handle: OpaquePointer

  init?(_ type: Int) {
    var status: Int32 = 0
    guard let handle = cicu_usprep_open(Int32(type), &status) else { return nil }
    self.handle = handle
  }

  deinit { cicu_usprep_close(handle) }
}

extension cicu_place {
  /// ICU leaves the code point at fault at the start of what follows the place.
  fileprivate var codePoint: UInt32? {
    let (high, low) = (UInt32(behind.0), UInt32(behind.1))
    if (0xD800..<0xDC00).contains(high), (0xDC00..<0xE000).contains(low) {
      return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
    }
    return high == 0 ? nil : high
  }
}

extension Preparation {
  /// The version of ICU in use.
  static var libraryVersion: String {
    var numbers: [UInt8] = [0, 0, 0, 0]
    cicu_version(&numbers)
    return "\(numbers[0]).\(numbers[1])"
  }
}
