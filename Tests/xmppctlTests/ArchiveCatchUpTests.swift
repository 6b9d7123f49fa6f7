import Testing

@testable import XMPP
@testable import xmppctl

@Suite struct ArchiveCatchUpTests {
  private func message(_ number: Int, size: Int = 1) throws -> ArchiveCatchUp.Line {
    let body = Element("body", Namespace.client, String(repeating: "x", count: size))
    let element = Element("message", Namespace.client, ["from": "a@b/c", "id": "\(number)"], [body])
    return (try #require(Stanza(element)), StanzaEnvelope(received: 1_000_000 + Int64(number)))
  }

  @Test("a circle of pages of any length is found out; pages that go on are none")
  func repeatedPages() {
    for length in 1...40 {
      for lead in [0, 1, 7, 30] {
        var pages = RepeatedPages()
        let found = (0..<4 * (length + lead) + 4).first { page in
          let id = page < lead ? "lead \(page)" : "\((page - lead) % length)"
          return pages.hasRepeated(id)
        }
        #expect(found.map { $0 >= lead + length } == true, "\(length) after \(lead)")
      }
    }
    var pages = RepeatedPages()
    let isWrong = (0..<10_000).contains { pages.hasRepeated("\($0)") }
    #expect(!isWrong)
  }

  @Test("messages are only remembered if an archive may bring them once more", arguments: [true, false])
  func remembered(isKept: Bool) throws {
    var archive = ArchiveCatchUp(since: .last(1), isKept: isKept)
    archive.remember(try message(1), at: 0)
    let live = archive.seen.newest(10, before: 10, since: 0).count
    #expect(live == (isKept ? 1 : 0))
    _ = archive.begin(account: try JID(parsing: "bob@example.org"))
    archive.remember(try message(2), at: 1)
    let meanwhile = archive.seen.newest(10, before: 10, since: 0).count
    #expect(meanwhile == live + 1)
  }

  @Test("what is held back is bounded, in number and in bytes")
  func held() throws {
    var archive = ArchiveCatchUp(since: nil, isKept: true)
    var count = 0
    while archive.hold(try message(count)) { count += 1 }
    #expect(count == 1000)
    archive = ArchiveCatchUp(since: nil, isKept: true)
    count = 0
    while archive.hold(try message(count, size: 1 << 20)) { count += 1 }
    #expect(1...4 ~= count)
    let ended = archive.end(isLost: false)
    #expect(ended.count == count)
  }

  @Test("a position counts once the lines up to it are written")
  func written() throws {
    var archive = ArchiveCatchUp(since: nil, isKept: true)
    for number in 0..<3 {
      archive.live(try message(number))
      archive.note(number)
    }
    archive.wrote(before: 0)
    let none = archive.written
    archive.wrote(before: 2)
    let second = archive.written
    #expect(none == nil && second == ArchivePosition(id: nil, time: 1_000_001))
  }
}
