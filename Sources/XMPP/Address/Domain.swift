import CICU
import Glibc

/// A prepared domainpart (RFC 7622 §3.2): a name in Unicode and in ASCII, or an address.
struct Domain {
  /// As it stands in a JID: U-labels in lower case, without a final dot.
  let unicode: String
  /// As DNS, SNI and certificates have it: A-labels.
  let ascii: String
  /// The address, without brackets, when it is one.
  let address: String?

  /// What became of a domainpart.
  enum Outcome {
    case prepared(Domain)
    /// Why not, to complete the sentence "the domainpart …".
    case refused(String)
  }

  /// Prepares a domainpart.
  static func prepare(_ bytes: [UInt8]) -> Outcome {
    guard bytes.count <= 4 * limit else { return tooLong }
    if bytes.first == UInt8(ascii: "[") { return prepareLiteral(bytes) }
    var ascii = bytes.map(asciiLowercased)
    var unicode = ascii
    if !bytes.allSatisfy({ $0 < 0x80 }) || labels(ascii).contains(where: isEncoded) {
      guard let idna = IDNA() else { return .refused("cannot be prepared: ICU has no data") }
      // Both ways are asked: a false `xn--` shows in the one, a label too long for DNS in the other.
      guard let name = idna.toUnicode(bytes), let encoded = idna.toASCII(bytes) else {
        return .refused("is not an internationalized domain name")
      }
      (unicode, ascii) = (name, encoded)
    }
    if unicode.last == dot { unicode.removeLast() }
    if ascii.last == dot { ascii.removeLast() }
    guard !unicode.isEmpty else { return .refused("is empty") }
    guard unicode.count <= limit else { return tooLong }
    for label in labels(ascii) {
      if let why = fault(in: label) { return .refused(why) }
    }
    let text = String(decoding: ascii, as: UTF8.self)
    return .prepared(
      Domain(
        unicode: String(decoding: unicode, as: UTF8.self), ascii: text,
        address: isAddress(text, AF_INET) ? text : nil))
  }

  private static let limit = 1023
  private static let dot = UInt8(ascii: ".")
  private static let tooLong = Outcome.refused("is longer than \(limit) bytes")

  /// `[::1]`. The brackets are for IPv6 alone (RFC 7622 §3.2).
  private static func prepareLiteral(_ bytes: [UInt8]) -> Outcome {
    let text = String(decoding: bytes.dropFirst().dropLast().map(asciiLowercased), as: UTF8.self)
    guard bytes.last == UInt8(ascii: "]"), isAddress(text, AF_INET6) else {
      return .refused("is not an IPv6 address in brackets")
    }
    return .prepared(Domain(unicode: "[\(text)]", ascii: "[\(text)]", address: text))
  }

  private static func isAddress(_ text: String, _ family: Int32) -> Bool {
    var address = in6_addr()
    return !text.utf8.contains(0) && inet_pton(family, text, &address) == 1
  }

  private static func labels(_ name: [UInt8]) -> [ArraySlice<UInt8>] {
    name.split(separator: dot, omittingEmptySubsequences: false)
  }

  private static func isEncoded(_ label: ArraySlice<UInt8>) -> Bool { label.starts(with: "xn--".utf8) }

  /// Letters, digits and hyphens (RFC 5890 §2.3.1), and the underscore, which test networks use.
  private static func fault(in label: ArraySlice<UInt8>) -> String? {
    if label.isEmpty { return "has an empty label" }
    if label.count > 63 { return "has a label longer than 63 bytes" }
    let hyphen = UInt8(ascii: "-")
    if label.first == hyphen || label.last == hyphen {
      return "has a label that begins or ends with a hyphen"
    }
    if label.dropFirst(2).starts(with: "--".utf8), !isEncoded(label) {
      return "has a label with two hyphens in the reserved place"
    }
    for byte in label {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), hyphen,
        UInt8(ascii: "_"):
        continue
      default:
        return "holds a forbidden character (\(codePointName(UInt32(byte))))"
      }
    }
    return nil
  }
}

/// A code point as `U+0041`.
func codePointName(_ value: UInt32) -> String {
  let digits = String(value, radix: 16, uppercase: true)
  return "U+" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
}

/// Owns ICU's UTS 46, set to what IDNA 2008 asks for.
private final class IDNA {
  private let handle: OpaquePointer

  init?() {
    let options =
      CICU_CHECK_BIDI | CICU_CHECK_CONTEXTJ | CICU_CHECK_CONTEXTO | CICU_NONTRANSITIONAL_TO_ASCII
      | CICU_NONTRANSITIONAL_TO_UNICODE
    var status: Int32 = 0
    guard let handle = cicu_idna_open(UInt32(options), &status) else { return nil }
    self.handle = handle
  }

  deinit { cicu_idna_close(handle) }

  /// U-labels, or `nil` when it is no such name or does not fit.
  func toUnicode(_ name: [UInt8]) -> [UInt8]? { convert(name, cicu_idna_to_unicode) }

  /// A-labels, or `nil` when it is no such name.
  func toASCII(_ name: [UInt8]) -> [UInt8]? { convert(name, cicu_idna_to_ascii) }

  private typealias Conversion = (
    OpaquePointer?, UnsafePointer<CChar>?, Int32, UnsafeMutablePointer<CChar>?, Int32,
    UnsafeMutablePointer<UInt32>?, UnsafeMutablePointer<Int32>?
  ) -> Int32

  private func convert(_ name: [UInt8], _ conversion: Conversion) -> [UInt8]? {
    var target = [CChar](repeating: 0, count: 4096)
    var errors: UInt32 = 0
    var status: Int32 = 0
    let length = name.withUnsafeBytes {
      conversion(
        handle, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count), &target,
        Int32(target.count), &errors, &status)
    }
    // RFC 7622 has a longer limit than DNS for the whole name.
    let ignored = UInt32(CICU_DOMAIN_NAME_TOO_LONG)
    guard status <= 0, errors & ~ignored == 0 else { return nil }
    return target.prefix(Int(length)).map { UInt8(bitPattern: $0) }
  }
}
