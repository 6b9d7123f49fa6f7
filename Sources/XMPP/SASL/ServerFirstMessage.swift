/// SCRAM's server-first-message, `r=…,s=…,i=…` and extensions (RFC 5802 §7), with all that can be checked
/// before any work is done for it.
struct ServerFirstMessage {
  /// The client's nonce and what the server added to it.
  let nonce: [UInt8]
  let salt: [UInt8]
  let iterations: Int32
  /// The values of `h=` (XEP-0474).
  private let downgradeHashes: [[UInt8]]

  /// - Throws: `scram-malformed`, `scram-extension`, `scram-nonce` or `scram-iterations`.
  init(_ message: [UInt8], clientNonce: String) throws(Failure) {
    var attributes = message.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)[...]
    if attributes.first?.first == UInt8(ascii: "m") {
      throw .authentication("scram-extension", "the server demands a SCRAM extension that nobody has defined")
    }
    if attributes.first?.first == UInt8(ascii: "e") {
      throw .authentication(
        "other-error",
        "the server refused the login: \(String(decoding: (attributes.first ?? []).dropFirst(2), as: UTF8.self))"
      )
    }
    nonce = try ServerFirstMessage.value("r", attributes.popFirst())
    let encodedSalt = try ServerFirstMessage.value("s", attributes.popFirst())
    let count = try ServerFirstMessage.value("i", attributes.popFirst())

    guard nonce.starts(with: clientNonce.utf8), nonce.count > clientNonce.utf8.count else {
      throw .authentication(
        "scram-nonce", "the server's nonce does not extend the client's")
    }
    guard nonce.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw ServerFirstMessage.malformed("the nonce is not printable")
    }
    guard let salt = Base64.decode(encodedSalt), !salt.isEmpty else {
      throw ServerFirstMessage.malformed("the salt is not base64")
    }
    self.salt = salt
    iterations = try ServerFirstMessage.iterations(count)

    var hashes: [[UInt8]] = []
    for attribute in attributes {
      guard let letter = attribute.first, UInt8(ascii: "a") <= letter | 0x20,
        letter | 0x20 <= UInt8(ascii: "z"),
        attribute.dropFirst().first == UInt8(ascii: "="), attribute.count > 2
      else { throw ServerFirstMessage.malformed("an extension is not of the form a=value") }
      if letter == UInt8(ascii: "h") { hashes.append(Array(attribute.dropFirst(2))) }
    }
    downgradeHashes = hashes
  }

  /// Compares what the server says it offered with what arrived (XEP-0474 §5.2).
  ///
  /// - Throws: `downgrade`.
  func checkDowngrade(of offer: SASLOffer, _ hash: Hash) throws(Failure) {
    guard !downgradeHashes.isEmpty else { return }
    let expected = Base64.encode(try hash.digest(offer.downgradeInput))
    for value in downgradeHashes where !equalInConstantTime(value, expected) {
      throw .authentication(
        "downgrade", "the mechanisms the server says it offered are not those that arrived (XEP-0474)")
    }
  }

  private static func value(_ letter: Character, _ attribute: ArraySlice<UInt8>?) throws(Failure) -> [UInt8] {
    guard let attribute, attribute.starts(with: "\(letter)=".utf8), attribute.count > 2 else {
      throw malformed("\(letter)= is missing")
    }
    return Array(attribute.dropFirst(2))
  }

  private static func iterations(_ digits: [UInt8]) throws(Failure) -> Int32 {
    guard digits.first != UInt8(ascii: "0"),
      digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { throw malformed("the iteration count is not a number") }
    let text = String(decoding: digits.prefix(20), as: UTF8.self)
    guard digits.count < 10, let count = Int32(text), count <= SCRAM.maximumIterations else {
      throw .authentication(
        "scram-iterations",
        "the server asks for \(text) iterations; more than \(SCRAM.maximumIterations) are refused")
    }
    guard count >= SCRAM.minimumIterations else {
      throw .authentication(
        "scram-iterations",
        "the server asks for \(text) iterations; fewer than \(SCRAM.minimumIterations) are refused")
    }
    return count
  }

  private static func malformed(_ why: String) -> Failure {
    .authentication("scram-malformed", "the server's SCRAM challenge is malformed: \(why)")
  }
}
