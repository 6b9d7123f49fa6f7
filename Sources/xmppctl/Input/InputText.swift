import Glibc
import XMPP

/// Text of the user's, checked before anything is sent: it must be UTF-8, and hold only characters that XML can carry
/// (XML 1.0 §2.2). A message that arrived with something else in it would not be what the user gave.
struct InputText {
  /// Whether what cannot be carried becomes U+FFFD, in place of a failure.
  var replacesInvalid = false
  /// Whether an option can replace what cannot be carried, so that a failure names it.
  var canReplace = true

  /// The text of some bytes.
  ///
  /// - Parameters:
  ///   - place: how the failure names the text: `line 3`, `the body`.
  ///   - offset: where in it the bytes begin.
  /// - Throws: `invalid-utf8` or `invalid-character`, with the offset in bytes from 0.
  func text(
    _ bytes: some Collection<UInt8>, in place: String, offset: Int = 0
  ) throws(Failure) -> String {
    // Decoding repairs, so what comes out the same was good.
    let text = String(decoding: bytes, as: UTF8.self)
    if replacesInvalid { return InputText.replaced(text) }
    var at = 0
    if !text.utf8.elementsEqual(bytes) {
      for (given, read) in zip(bytes, text.utf8) {
        guard given == read else { break }
        at += 1
      }
      let byte = bytes.dropFirst(at).first.map { "byte 0x" + hex($0, digits: 2) } ?? "the end"
      throw Failure.input(
        "invalid-utf8", "\(place) is not UTF-8: \(byte) at offset \(offset + at)", hint: hint)
    }
    for scalar in text.unicodeScalars {
      if !InputText.isCarried(scalar) {
        throw Failure.input(
          "invalid-character",
          "\(place) has U+\(hex(scalar.value, digits: 4)) at offset \(offset + at), which XML cannot carry",
          hint: hint)
      }
      at += UTF8.width(scalar)
    }
    return text
  }

  /// Checks that the arguments of the process are UTF-8, which reading them as strings would repair.
  ///
  /// - Throws: `invalid-utf8`, with the argument's number, from 1, and the offset in it.
  static func checkArguments() throws(Failure) {
    for (number, argument) in CommandLine.arguments.indices.dropFirst().map({
      ($0, CommandLine.unsafeArgv[$0])
    }) {
      guard let argument else { return }
      let bytes = UnsafeRawBufferPointer(start: argument, count: strlen(argument))
      if String(validating: bytes, as: UTF8.self) == nil {
        _ = try InputText().text(Array(bytes), in: "argument \(number)")
      }
    }
  }

  /// Whether XML can carry a character.
  static func isCarried(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D: true
    case 0..<0x20, 0xFFFE, 0xFFFF: false
    default: true
    }
  }

  /// What replaces a character that cannot be carried.
  var hint: String? { canReplace ? "put U+FFFD in its place with --replace-invalid" : nil }

  private static func replaced(_ text: String) -> String {
    guard !text.unicodeScalars.allSatisfy(isCarried) else { return text }
    var replaced = String.UnicodeScalarView()
    replaced.append(contentsOf: text.unicodeScalars.lazy.map { isCarried($0) ? $0 : "\u{FFFD}" })
    return String(replaced)
  }
}

/// A number in hexadecimal digits, upper case.
func hex(_ number: some BinaryInteger, digits: Int) -> String {
  let text = String(number, radix: 16, uppercase: true)
  return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}
