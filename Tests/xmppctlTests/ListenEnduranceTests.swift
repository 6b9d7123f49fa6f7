import Foundation
import Synchronization
import TestSupport
import Testing

/// What `listen` has to stand for a long time: much input, slow consumers.
@Suite struct ListenEnduranceTests {
  @Test("X8: 24 MB of distinct names, and it lives on in bounded memory")
  func names() throws {
    let stanzas = 96
    let gates = MemoryGates()
    let scene = try ListenScene(
      ["--type", "presence", "--count", "1"],
      .new { talk in
        try talk.awaitHandled(0)
        gates.begin()
        for number in 0..<stanzas {
          let payloads = (0..<2000).map { index in
            let name = "n\(number)-\(index)-" + String(repeating: "x", count: 32)
            return "<\(name) xmlns='urn:\(name)' \(name)=''/>"
          }
          try talk.send("<message from='eve@example.net/x'>\(payloads.joined())</message>")
          if number % 16 == 15 { try talk.awaitHandled(number + 1) }
        }
        gates.end()
        try talk.await("nothing, until it leaves")
      })
    let growth = try gates.growth(of: scene.program)
    #expect(growth < 16 << 20, "\(growth) bytes more")
    scene.program.signal(SIGTERM)
    #expect(try scene.program.wait().status == 143)
    _ = try? scene.peer.finish()
  }

  @Test("C13: however many stanzas, no descriptor more and hardly any memory")
  func many() throws {
    let gates = (early: Gate(), measured: Gate(), late: Gate())
    let scene = try ListenScene(
      ["--json"], output: "/dev/null",
      .new { talk in
        for start in stride(from: 1, through: 50_000, by: 500) {
          try talk.send(ListenScene.messages(start...start + 499))
          try talk.awaitHandled(start + 499)
          if start == 9501 {
            gates.early.open()
            gates.measured.wait()
          }
        }
        gates.late.open()
      })
    #expect(gates.early.wait(seconds: 60))
    let (descriptors, memory) = (try scene.program.descriptorCount, try scene.program.peakMemory)
    gates.measured.open()
    #expect(gates.late.wait(seconds: 60))
    #expect(try scene.program.descriptorCount == descriptors)
    let growth = try scene.program.peakMemory - memory
    #expect(growth < 2 << 20, "\(growth) bytes more")
    scene.program.signal(SIGTERM)
    #expect(try scene.program.wait().status == 143)
    try scene.peer.finish()
  }

  @Test("X7: what is held back while the archive is read is bounded in bytes too")
  func heldBack() throws {
    let count = 48
    let gates = MemoryGates()
    let scene = try ListenScene(
      ["--json", "--since", "2020-01-01"], output: "/dev/null",
      .raw { talk in
        try ListenScene.Part.bind(talk)
        try ListenScene.Part.enable(talk)
        try ListenRowsTests.page(talk, after: nil, [:])
        try talk.await("<presence")
        gates.begin()
        let text = String(repeating: "x", count: 1 << 20)
        for number in 1...count {
          try talk.send("<message from='eve@example.net/x' id='m\(number)'><body>\(text)</body></message>")
        }
        try ListenRowsTests.page(talk, after: nil, [:])
        // The two answers of the archive are stanzas too.
        try talk.awaitHandled(count + 2)
        gates.end()
      })
    let growth = try gates.growth(of: scene.program)
    #expect(growth < 24 << 20, "\(growth) bytes more")
    scene.program.signal(SIGTERM)
    #expect(try scene.program.wait().status == 143)
    try scene.peer.finish()
  }

  @Test(
    "X7: a server that never acknowledges what it is answered makes nobody keep more than so much",
    arguments: ["listen", "send"])
  func unacknowledged(command: String) throws {
    let count = 400
    let gates = MemoryGates()
    let part = ListenScene.Part.raw { talk in
      try ListenScene.Part.bind(talk)
      try ListenScene.Part.enable(talk)
      try talk.await(command == "listen" ? "<presence" : "<message")
      gates.begin()
      let id = String(repeating: "x", count: 200 << 10)
      for number in 1...count {
        try talk.send("<iq type='get' id='\(id)\(number)' from='eve@example.net/x'><q xmlns='urn:q'/></iq>")
      }
      try talk.awaitHandled(count)
      gates.end()
    }
    let peer = try ScriptedPeer(part.script)
    let program = try Program.xmppctl.start(
      try [command] + ListenScene.way(peer.port)
        + (command == "send" ? ["--max-time", "60", "-m", "hi", "alice@example.org"] : []),
      environment: ListenScene.environment, output: "/dev/null")
    let growth = try gates.growth(of: program)
    #expect(growth < 24 << 20, "\(growth) bytes more")
    program.signal(SIGTERM)
    #expect(try program.wait().status == 143)
    _ = try? peer.finish()
  }

  @Test("C5: a consumer that sleeps slows the server down, and memory stays")
  func slowed() throws {
    let counter = Counter()
    let scene = try ListenScene(
      ["--json"],
      .new { talk in
        let text = ListenScene.messages(1...50)
          .replacing("</body>", with: String(repeating: "x", count: 2000) + "</body>")
        while true {
          try talk.send(text)
          counter.add(text.utf8.count)
        }
      })
    // Until nothing more goes out for a while: what the system buffers is full then.
    var seen = (bytes: -1, unchanged: 0)
    try wait("the server is slowed down") {
      let bytes = counter.value
      seen = bytes == seen.bytes && bytes > 0 ? (bytes, seen.unchanged + 1) : (bytes, 0)
      usleep(20_000)
      return seen.unchanged > 40
    }
    let memory = try scene.program.peakMemory
    #expect(memory < 40 << 20, "\(memory) bytes")
    scene.program.signal(SIGTERM)
    let outcome = try scene.program.wait()
    #expect(outcome.status == 143)
    #expect(try ListenScene.bodies(outcome.output).allSatisfy { $0.hasPrefix("text ") })
    // The script has no end of its own.
    _ = try? scene.peer.finish()
  }

  @Test("C5: while a consumer sleeps the stream is kept alive, and requests are answered")
  func alive() throws {
    let total = 600
    let asleep = Gate()
    let scene = try ListenScene(
      ["--json", "--count", "\(total)", "--ping-interval", "0.3"],
      .new { talk in
        func send(_ numbers: ClosedRange<Int>) throws {
          let padding = String(repeating: "x", count: 2000)
          try talk.send(ListenScene.messages(numbers).replacing("</body>", with: padding + "</body>"))
        }
        // More than a pipe takes, less than is held: the request behind is seen, and what is written is told.
        try send(1...80)
        try talk.send(
          "<iq type='get' id='p' from='eve@example.net/x'><ping xmlns='urn:xmpp:ping'/></iq>"
            + ListenScene.request)
        try talk.await("type='result'")
        let answer = try talk.await("<a ")
        guard let handled = answer.firstMatch(of: #/h='(\d+)'/#).flatMap({ Int($0.1) }), handled < 81 else {
          throw SupportFailure("what nobody has read is acknowledged: \(answer)")
        }
        // More than is held: nothing more is read, and still something is said.
        try send(81...total - 1)
        for _ in 0..<3 { try talk.await("<r ") }
        asleep.open()
        try talk.awaitHandled(total)
      })
    #expect(asleep.wait())
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    let lines = outcome.output.split(separator: "\n").filter { $0.contains("\"text ") }
    #expect(lines.enumerated().allSatisfy { $1.contains("\"text \($0 + 1)x") } && lines.count == total - 1)
    try scene.peer.finish()
  }
}

/// What a server does between `begin` and `end`, so that the memory it costs the client can be measured.
private struct MemoryGates: Sendable {
  private let ready = Gate()
  private let measured = Gate()
  private let done = Gate()

  /// The server's: waits until the memory of before is known.
  func begin() {
    ready.open()
    measured.wait()
  }

  /// The server's: it is over.
  func end() { done.open() }

  /// How much more memory a program has had resident by the end; bytes.
  func growth(of program: RunningProgram) throws -> Int {
    #expect(ready.wait())
    let before = try program.peakMemory
    measured.open()
    #expect(done.wait(seconds: 60))
    return try program.peakMemory - before
  }
}

/// Bytes that were sent.
private final class Counter: Sendable {
  private let sum = Mutex(0)
  var value: Int { sum.withLock { $0 } }
  func add(_ count: Int) { sum.withLock { $0 += count } }
}
