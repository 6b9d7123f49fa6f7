import TestSupport
import XMPP

/// What a stranger's bytes are given to, and what must hold whatever they are.
struct FuzzTarget: Sendable {
  /// Its name, which is that of its folder in `Corpus`.
  let name: String
  /// Tries one input. It throws where a property is broken; a trap, a leak or a hang is found by the engine.
  let check: @Sendable (_ input: [UInt8]) throws -> Void

  /// All of them.
  static let all: [FuzzTarget] = [
    FuzzTarget(name: "stream", check: checkStream),
    FuzzTarget(name: "reader", check: checkReader),
    FuzzTarget(name: "compression", check: checkCompression),
    FuzzTarget(name: "socks", check: checkSOCKS),
    FuzzTarget(name: "features", check: checkFeatures),
    FuzzTarget(name: "answers", check: checkAnswers),
    FuzzTarget(name: "management", check: checkManagement),
    FuzzTarget(name: "scram", check: checkSCRAM),
    FuzzTarget(name: "digest", check: checkDigest),
    FuzzTarget(name: "jid", check: checkJID),
    FuzzTarget(name: "dns", check: checkDNS),
    FuzzTarget(name: "certificate", check: checkCertificate),
    FuzzTarget(name: "name", check: checkCertificateName),
    FuzzTarget(name: "config", check: checkConfiguration),
    FuzzTarget(name: "ndjson", check: checkNDJSON),
    FuzzTarget(name: "xml", check: checkInputStanzas),
    FuzzTarget(name: "stanza", check: checkStanzaLine),
  ]
}

/// Something that must hold and does not.
struct BrokenProperty: Error, CustomStringConvertible {
  let description: String
}

/// Says what must hold.
func hold(_ condition: Bool, _ property: @autoclosure () -> String) throws(BrokenProperty) {
  guard condition else { throw BrokenProperty(description: property()) }
}

/// What a call gave, or why it failed; errors other than a `Failure` go on.
func attempt<Value>(_ body: () throws -> Value) throws -> Result<Value, Failure> {
  do { return .success(try body()) } catch let failure as Failure { return .failure(failure) }
}

/// An input as it may arrive: whole, byte by byte, and in pieces.
func cuttings(_ bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
  [[bytes[...]], bytes.indices.map { bytes[$0...$0] }, pieces(of: bytes)]
}

/// The input in pieces whose lengths follow from its bytes.
func pieces(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
  var random = SeededGenerator(seed: seed(bytes))
  var pieces: [ArraySlice<UInt8>] = []
  var rest = bytes[...]
  while !rest.isEmpty {
    let length = Int.random(in: 1...(Bool.random(using: &random) ? 9 : 700), using: &random)
    pieces.append(rest.prefix(length))
    rest = rest.dropFirst(length)
  }
  return pieces
}

/// A number that follows from the bytes (FNV-1a).
func seed(_ bytes: [UInt8]) -> UInt64 {
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
