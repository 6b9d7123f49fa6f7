import Testing

@testable import XMPP

@Suite struct JIDTests {
  private func refusal(_ text: String) -> String? {
    do throws(Failure) {
      _ = try JID(parsing: text)
      return nil
    } catch {
      #expect(error.condition == "jid-malformed" && error.status == .data && error.stage == .input)
      return error.message
    }
  }

  @Test(
    "I10: the resourcepart begins at the first slash, the localpart ends at the first @ before it",
    arguments: [
      ("a@b/c@d", "a", "b", "c@d"),
      ("b/c@d/e", nil, "b", "c@d/e"),
      ("a@b/c/d", "a", "b", "c/d"),
      ("b", nil, "b", nil),
      ("a@b", "a", "b", nil),
      ("a.example.com/b@example.net", nil, "a.example.com", "b@example.net"),
    ] as [(String, String?, String, String?)])
  func splits(text: String, local: String?, domain: String, resource: String?) throws {
    let jid = try JID(parsing: text)
    #expect(jid.localpart == local && jid.domainpart == domain && jid.resourcepart == resource)
    #expect(jid.full == text)
  }

  @Test(
    "RFC 7622 table 1, where stringprep agrees",
    arguments: [
      ("juliet@example.com", "juliet@example.com"),
      ("juliet@example.com/foo", "juliet@example.com/foo"),
      ("juliet@example.com/foo bar", "juliet@example.com/foo bar"),
      ("juliet@example.com/foo@bar", "juliet@example.com/foo@bar"),
      ("foo\\20bar@example.com", "foo\\20bar@example.com"),
      ("fussball@example.com", "fussball@example.com"),
      ("fu\u{DF}ball@example.com", "fussball@example.com"),
      ("\u{3C0}@example.com", "\u{3C0}@example.com"),
      ("\u{3A3}@example.com/foo", "\u{3C3}@example.com/foo"),
      ("king@example.com/\u{265A}", "king@example.com/\u{265A}"),
      ("example.com/foobar", "example.com/foobar"),
      ("henry\u{2163}@example.com", "henryiv@example.com"),
    ])
  func prepares(text: String, prepared: String) throws {
    #expect(try Array(JID(parsing: text).full.utf8) == Array(prepared.utf8))
  }

  @Test(
    "I10: empty parts and forbidden characters are refused, and the part is named",
    arguments: [
      ("", "domainpart"), ("juliet@", "domainpart"), ("/foobar", "domainpart"), ("@", "localpart",),
      ("@example.com", "localpart"), ("example.com/", "resourcepart"), ("a@example.com/", "resourcepart"),
      ("a@@b", "domainpart"), ("a@b@c", "domainpart"), ("\"juliet\"@example.com", "localpart"),
      ("foo bar@example.com", "localpart"), ("a&b@c", "localpart"), ("a'b@c", "localpart"),
      ("a:b@c", "localpart"), ("<a>@c", "localpart"), ("a\u{7F}@c", "localpart"), ("a\u{0}@c", "localpart"),
      ("\u{AD}@c", "localpart"), ("a\u{FF20}b@c", "localpart"), ("\u{FFFF}@c", "localpart"),
      ("a@c/\u{FFFF}", "resourcepart"), ("a@c/\n", "resourcepart"), ("a@c/\u{85}", "resourcepart"),
      ("a@c/\u{E000}", "resourcepart"), ("a\u{3000}b@c", "localpart"),
      ("a@\u{5D0}b/c", "domainpart"), ("\u{5D0}b@c", "localpart"), ("a@b..c", "domainpart"),
      ("a@.", "domainpart"),
      ("a@.b", "domainpart"), ("a@-b", "domainpart"), ("a@b-.c", "domainpart"), ("a@b c", "domainpart"),
      ("a@b\u{0}c", "domainpart"), ("a@b:5222", "domainpart"), ("a@ab--c", "domainpart"),
      ("a@b\u{FF0F}c", "domainpart"), ("a@b\u{FF20}c", "domainpart"), ("a@[::1", "domainpart"),
      ("a@[::g]", "domainpart"), ("a@[]", "domainpart"), ("a@[", "domainpart"),
      ("a@[192.0.2.1]", "domainpart"),
      ("a@::1", "domainpart"), ("a@[fe80::1%eth0]", "domainpart"), ("a@[::1]x", "domainpart"),
    ])
  func refuses(text: String, part: String) {
    #expect(refusal(text)?.contains("the \(part) of the address") == true, "\(text)")
  }

  @Test("I10: a part of 1,023 bytes passes, one of 1,024 does not", arguments: [false, true])
  func limits(international: Bool) throws {
    // Three bytes each that no profile changes, so that ICU is asked.
    let letter = international ? "\u{20AC}" : "abc"
    let part = String(repeating: letter, count: 341)
    #expect(part.utf8.count == 1023)
    #expect(try JID(parsing: "\(part)@b/\(part)").full.utf8.count == 1023 + 3 + 1023)
    #expect(refusal("\(part)a@b") == "the localpart of the address is longer than 1023 bytes")
    #expect(refusal("a@b/\(part)a") == "the resourcepart of the address is longer than 1023 bytes")
    #expect(refusal("a@b/" + String(repeating: letter, count: 1_000_000))?.contains("longer") == true)
  }

  @Test("I10: the domainpart has 1,023 bytes, its labels 63")
  func domainLimits() throws {
    let label = String(repeating: "a", count: 63)
    let domain = Array(repeating: label, count: 16).joined(separator: ".")
    #expect(domain.utf8.count == 1023)
    #expect(try JID(parsing: "a@\(domain).").domainpart == domain)
    #expect(refusal("a@\(domain).b")?.contains("longer than 1023 bytes") == true)
    #expect(refusal("a@\(label)a.b")?.contains("label") == true)
    #expect(refusal("a@" + String(repeating: "\u{E9}", count: 1_000_000))?.contains("longer") == true)
  }

  @Test("I10: a limit counts bytes after preparation")
  func limitAfterPreparation() throws {
    let wide = String(repeating: "\u{FF41}", count: 1023)
    #expect(try JID(parsing: "\(wide)@b").localpart == String(repeating: "a", count: 1023))
    #expect(refusal("\(wide)a@b")?.contains("longer") == true)
    // One character that becomes eighteen.
    #expect(refusal("a@b/" + String(repeating: "\u{FDFA}", count: 341))?.contains("longer") == true)
  }

  @Test("I10: the domain is kept in Unicode and in ASCII; a false xn-- is refused")
  func internationalDomains() throws {
    let jid = try JID(parsing: "a@B\u{DC}CHER.example.")
    #expect(jid.domainpart == "b\u{FC}cher.example" && jid.asciiDomain == "xn--bcher-kva.example")
    #expect(try JID(parsing: "a@XN--bcher-kva.example") == jid)
    #expect(try JID(parsing: "a@b\u{FC}cher\u{3002}example\u{3002}") == jid)
    #expect(try JID(parsing: "a@fa\u{DF}.de").asciiDomain == "xn--fa-hia.de")
    for domain in ["xn--", "xn--a", "xn--bcher-", "xn--\u{FC}", "xn--a-.b", "xn--B\u{FC}"] {
      #expect(refusal("a@\(domain).example")?.contains("the domainpart") == true, "\(domain)")
    }
  }

  @Test func acceptsAddressesAsDomains() throws {
    let six = try JID(parsing: "a@[2001:DB8::1]/r")
    #expect(six.full == "a@[2001:db8::1]/r" && six.domainAddress == "2001:db8::1")
    let four = try JID(parsing: "192.0.2.1")
    #expect(four.full == "192.0.2.1" && four.domainAddress == "192.0.2.1")
    #expect(try JID(parsing: "example.org").domainAddress == nil)
  }

  @Test func foldsCaseInLocalpartAndDomainpartOnly() throws {
    #expect(try JID(parsing: "Alice@Example.ORG/Phone").full == "alice@example.org/Phone")
    #expect(try JID(parsing: "\u{C9}mile@b/\u{C9}").full == "\u{E9}mile@b/\u{C9}")
  }

  @Test("emoji, which Unicode 3.2 did not know, pass as they do on the servers")
  func acceptsUnassigned() throws {
    #expect(try JID(parsing: "room@muc.example/\u{1F600}").resourcepart == "\u{1F600}")
  }

  @Test("I4: addresses are the same when their prepared bytes are, and only then")
  func comparesBytes() throws {
    #expect(try JID(parsing: "e\u{301}@b/e\u{301}") == JID(parsing: "\u{E9}@b/\u{E9}"))
    // Grantha vowels younger than Unicode 3.2 are not composed by its NFKC: canonically equal, other bytes.
    let late = try JID(parsing: "a@b/\u{1134B}")
    let apart = try JID(parsing: "a@b/\u{11347}\u{1133E}")
    #expect(late.resourcepart == apart.resourcepart, "these two are canonically equal")
    #expect(late != apart && late.hashValue != apart.hashValue)
    #expect(try JID(parsing: "a@b") != JID(parsing: "a@b/c"))
    #expect(try JID(parsing: "a@b") != JID(parsing: "b"))
  }

  @Test func derivesOtherAddresses() throws {
    let jid = try JID(parsing: "a@b/c")
    #expect(try jid.bare == JID(parsing: "a@b") && jid.bare.isBare && !jid.isBare)
    #expect(try jid.domain == JID(parsing: "b"))
    #expect(try jid.with(resourcepart: "d").full == "a@b/d")
    #expect(throws: Failure.self) { try jid.with(resourcepart: "") }
  }

  @Test("the ASCII path by hand gives what ICU gives")
  func fastPathAgrees() {
    // U+0301 keeps what it follows from being plain ASCII; behind a letter that has no composition it stays apart.
    for byte in UInt8(0)..<0x80 {
      for preparation in [Preparation.nodeprep, .resourceprep, .saslprep] {
        let fast = preparation.prepare([byte], limit: 1023)
        let slow = preparation.prepare([byte] + Array("q\u{301}".utf8), limit: 1023)
        switch (fast, slow) {
        case (.prepared(let fast), .prepared(let slow)):
          #expect(fast == Array(slow.prefix(1)), "\(preparation) \(byte)")
        case (.refused(_, let fast), .refused(_, let slow)):
          #expect(fast == slow && fast != nil || byte == 0, "\(preparation) \(byte)")
        default:
          Issue.record("\(preparation) \(byte): \(fast), \(slow)")
        }
      }
    }
  }

  @Test("whatever the bytes, an address is prepared once and for all or refused")
  func neverTraps() throws {
    var random = SeededRandom(seed: 7622)
    let alphabet: [String] = [
      "a", "B", ".", "@", "/", "[", "]", ":", "xn--", "-", "\u{E9}", "\u{301}", "\u{3002}", "\u{FFFF}",
      "\u{0}",
      "\u{1F600}", "\u{5D0}", "\u{200D}", "\u{AD}", "\u{FF20}", "1", " ",
    ]
    var accepted = 0
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0..<12, using: &random)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
      }.joined()
      guard let jid = try? JID(parsing: text) else { continue }
      accepted += 1
      #expect(try JID(parsing: jid.full) == jid, "\(Array(text.unicodeScalars))")
    }
    #expect(accepted > 100)
  }

  @Test(
    "SASLprep as in RFC 4013 §3",
    arguments: [
      ("I\u{AD}X", "IX"), ("user", "user"), ("USER", "USER"), ("\u{AA}", "a"), ("\u{2168}", "IX"),
      ("a\u{A0}b", "a b"), ("pass word", "pass word"),
    ])
  func preparesPasswords(text: String, prepared: String) throws {
    #expect(try saslprep(Array(text.utf8), "password") == Array(prepared.utf8))
  }

  @Test("SASLprep refuses without quoting", arguments: ["\u{7}", "\u{627}1", "", "\u{AD}", "x\u{FFFF}"])
  func refusesPasswords(text: String) {
    #expect {
      try saslprep(Array(text.utf8), "password")
    } throws: { error in
      (error as? Failure)?.condition == "saslprep" && (error as? Failure)?.message.contains("U+") == false
    }
  }
}

/// A generator that gives the same numbers in every run (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
