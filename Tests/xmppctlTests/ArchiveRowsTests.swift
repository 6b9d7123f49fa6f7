import Foundation
import TestSupport
import Testing

/// What archives and lost connections do to the lines of `listen --since`, and to its end by `--idle`.
@Suite struct ArchiveRowsTests {
  private static let since = ["--json", "--since", "2026-11-01"]

  private func expect(
    _ scene: ListenScene, _ numbers: [Int], saying text: String? = nil,
    at place: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try scene.program.wait(within: .seconds(60))
    #expect(outcome.status == 0, "\(outcome.error)", sourceLocation: place)
    #expect(
      try ListenScene.bodies(outcome.output) == numbers.map { "text \($0)" }, "\(outcome.error)",
      sourceLocation: place)
    if let text { #expect(outcome.error.contains(text), "\(outcome.error)", sourceLocation: place) }
    try scene.peer.finish()
  }

  @Test("S40: an archive that takes longer than --idle is printed, and the run ends that long after it")
  func slowArchive() throws {
    let scene = try ListenScene(
      ArchiveRowsTests.since + ["--idle", "1"],
      .raw { talk in
        try ArchiveScript.begin(talk)
        let page = try ArchiveScript(talk)
        usleep(2_000_000)
        try page.results([1]).end()
        try talk.await("<presence")
        let gap = try ArchiveScript(talk, asking: "<after>a1</after>")
        usleep(2_000_000)
        try gap.results([2]).end()
      })
    try expect(scene, [1, 2])
  }

  @Test("S40: so does the archive that is asked after a lost connection")
  func slowArchiveLater() throws {
    let scene = try ListenScene(
      ["--json", "--idle", "3"],
      .new(then: [.end]) { talk in
        try talk.send(ArchiveScript.message(1))
        try talk.awaitHandled(1)
      },
      .raw { talk in
        try ArchiveScript.beginAnew(talk)
        let page = try ArchiveScript(talk)
        usleep(4_000_000)
        try page.results([2]) { _ in ISO8601DateFormatter().string(from: .now) }.end()
        try talk.await("<presence")
        try ArchiveScript(talk).end()
      })
    try expect(scene, [1, 2])
  }

  @Test("S41: a run with --idle ends while its server is away, as the connection did")
  func idleWithoutAServer() throws {
    let scene = try ListenScene(
      ["--json", "--idle", "2"],
      .new(then: [.end]) { talk in
        try talk.send(ArchiveScript.message(1))
        try talk.awaitHandled(1)
      })
    let outcome = try scene.program.wait(within: .seconds(60))
    #expect(outcome.status == 69, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1"])
    try scene.peer.finish()
  }

  /// A past that the archive tells in a wrong way, and what is said of it.
  enum Form: String, CaseIterable, Sendable {
    case samePage, circle, emptyCircle, noSet, noFin, nothing

    var complaint: String? {
      switch self {
      case .samePage, .circle, .emptyCircle: "it repeats the same page"
      case .noSet: nil
      case .noFin: "its answer has no <fin/>"
      case .nothing: "it does not say whether there is more"
      }
    }

    /// The lines of the archive.
    var numbers: [Int] {
      switch self {
      case .samePage, .noFin: [1]
      case .circle: [1, 2]
      case .noSet: [1, 2, 3]
      case .emptyCircle, .nothing: []
      }
    }

    /// Answers every question until the presence comes.
    func play(_ talk: ScriptedPeer.Talk) throws {
      var count = 0
      while true {
        let element = try talk.element()
        if element.contains("<presence") { return }
        guard element.contains("urn:xmpp:mam:2") else { continue }
        let page = try ArchiveScript(talk, element)
        count += 1
        switch self {
        case .samePage: try page.results([1]).end(set: "<last>a1</last>", isComplete: false)
        case .circle:
          let number = 2 - count % 2
          try page.results([number]).end(set: "<last>a\(number)</last>", isComplete: false)
        case .emptyCircle: try page.end(set: "<last>a\(count % 5)</last>", isComplete: false)
        case .noSet where count == 1: try page.results([1, 2]).end(isComplete: false)
        case .noSet:
          guard element.contains("<after>a2</after>") else { throw SupportFailure("asks: \(element)") }
          try page.results([3]).end()
        case .noFin: try page.results([1]).answer("")
        case .nothing: try page.end(isComplete: false)
        }
        guard count < 30 else { throw SupportFailure("it asks for ever") }
      }
    }
  }

  @Test("S42: an archive that repeats its pages, or leaves out where they end", arguments: Form.allCases)
  func pages(form: Form) throws {
    let scene = try ListenScene(
      ArchiveRowsTests.since + ["--count", "\(form.numbers.count + 1)"],
      .raw { talk in
        try ArchiveScript.begin(talk)
        try form.play(talk)
        try talk.send(ArchiveScript.message(9))
        // If the archive was read to its end, it is asked once more before what came live is printed.
        if form.complaint == nil { try ArchiveScript(talk, asking: "<after>a3</after>").end() }
      })
    try expect(scene, form.numbers + [9], saying: form.complaint.map { "cannot be read: \($0)" })
  }

  @Test("S43: an archive that refuses after a lost connection: what came meanwhile is unknown, live goes on")
  func refusedLater() throws {
    let scene = try ListenScene(
      ArchiveRowsTests.since + ["--count", "3"],
      .raw(then: [.end]) { talk in
        try ArchiveScript.begin(talk)
        try ArchiveScript(talk).results([1]).end()
        try talk.await("<presence")
        try ArchiveScript(talk).end()
        try talk.send(ArchiveScript.message(2))
        try talk.awaitHandled(4)
      },
      .raw { talk in
        try ArchiveScript.beginAnew(talk)
        try ArchiveScript(talk).refuse("internal-server-error")
        try talk.await("<presence")
        try talk.send(ArchiveScript.message(3))
      })
    try expect(scene, [1, 2, 3], saying: "what came meanwhile is unknown")
  }

  @Test("S43: one that refuses the first question of --since ends the run with 1")
  func refused() throws {
    let scene = try ListenScene(
      ArchiveRowsTests.since,
      .raw { talk in
        try ArchiveScript.begin(talk)
        try ArchiveScript(talk).refuse("service-unavailable")
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 1 && outcome.error.contains("service-unavailable"), "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test("S44: ids that expire while the archive is read are replaced by times: no line missing, none twice")
  func expired() throws {
    let scene = try ListenScene(
      ArchiveRowsTests.since + ["--count", "5"],
      .raw { talk in
        try ArchiveScript.begin(talk)
        try ArchiveScript(talk).results([1, 2]).end(set: "<last>a2</last>", isComplete: false)
        try ArchiveScript(talk, asking: "<after>a2</after>").refuse("item-not-found")
        try ArchiveScript(talk, asking: "<value>\(ArchiveScript.stamp(2))</value>")
          .results([2, 3]).end()
        try talk.await("<presence")
        // Live and from the archive.
        try talk.send(ArchiveScript.message(5))
        try ArchiveScript(talk, asking: "<after>a3</after>").refuse("item-not-found")
        // The presence is not sent again.
        let next = try talk.element()
        guard next.contains(ArchiveScript.stamp(3)) else {
          throw SupportFailure("not asked by time: \(next)")
        }
        try ArchiveScript(talk, next).results([3, 4]).end()
      })
    try expect(scene, [1, 2, 3, 4, 5])
  }

  @Test(
    "S45: a connection that is lost while the archive is read: it is read on, no line missing, none twice")
  func lostWhileReading() throws {
    let scene = try ListenScene(
      ["--json", "--since", "3", "--count", "5"],
      // Before any answer: the same is asked again.
      .raw(then: [.end]) { talk in
        try ArchiveScript.begin(talk)
        _ = try ArchiveScript(talk, asking: "<before/>")
      },
      // Amid the past.
      .raw(then: [.end]) { talk in
        try ArchiveScript.beginAnew(talk)
        try ArchiveScript(talk, asking: "<before/>").results([1, 2, 3, 4]).end(
          set: "<first>a1</first><last>a4</last>", isComplete: false)
        try ArchiveScript(talk, asking: "<after>a1</after>").results([2])
      },
      // After the presence, with a message that waits for the end of the reading.
      .raw(then: [.end]) { talk in
        try ArchiveScript.beginAnew(talk)
        try ArchiveScript(talk, asking: "<after>a2</after>").results([3, 4]).end()
        try talk.await("<presence")
        _ = try ArchiveScript(talk, asking: "<after>a4</after>")
        try talk.send(ArchiveScript.message(5))
      },
      .raw { talk in
        try ArchiveScript.beginAnew(talk)
        let now = { (_: Int) in ISO8601DateFormatter().string(from: .now) }
        try ArchiveScript(talk, asking: "<after>a4</after>").results([5, 6], stamp: now).end()
      })
    try expect(scene, [2, 3, 4, 5, 6])
  }
}
