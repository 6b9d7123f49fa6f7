import Glibc
import TestSupport

@testable import XMPP

/// The bytes of a stream through a socket and the reader of a connection: the events are those of the parser alone, with a
/// trace as without one, and no line of the trace shows what SASL or a registration carries.
@Sendable func checkReader(_ input: [UInt8]) throws {
  let bytes = Array(header.utf8) + input
  let parsed = read([bytes[...]], Limits())
  // Those that stand nowhere else.
  let secrets = parsed.events.flatMap { event -> [String] in
    guard case .element(let element) = event else { return [] }
    return secretTexts(element).filter { $0.utf8.count >= 8 && count(of: $0, in: bytes) == 1 }
  }
  let pieces = pieces(of: bytes)
  let lines = Lines()
  let trace = Trace(showsSecrets: false, bytes: { lines.all.append($0 + $1) }, notes: nil)
  for trace in [nil, trace] {
    let outcome = try receive(pieces, trace)
    try hold(outcome.events == parsed.events, "the reader reads something else than the parser")
    try hold(outcome.failure == nil || parsed.failure != nil, "the reader fails where the parser does not")
  }
  for secret in secrets {
    try hold(!lines.all.contains { count(of: secret, in: Array($0.utf8)) > 0 }, "the trace shows \(secret)")
  }
}

private final class Lines {
  var all: [String] = []
}

/// Sends the pieces through a pair of sockets.
private func receive(_ pieces: [ArraySlice<UInt8>], _ trace: Trace?) throws -> StreamOutcome {
  var ends: [Int32] = [-1, -1]
  guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
    throw BrokenProperty(description: "no sockets: \(errno)")
  }
  let far = Socket(adopting: ends[0])
  let channel = Channel(Socket(adopting: ends[1]))
  var reader = StreamReader(trace: trace)
  var outcome = StreamOutcome()
  for piece in pieces {
    _ = try piece.withUnsafeBytes { try far.write($0) }
    guard case .bytes = try reader.receive(from: channel) else {
      throw BrokenProperty(description: "nothing is read")
    }
    do throws(Failure) {
      while let event = try reader.next() { outcome.events.append(event) }
    } catch {
      outcome.failure = error
      break
    }
  }
  return outcome
}

/// How many times the bytes of a text stand in others.
private func count(of text: String, in bytes: [UInt8]) -> Int {
  bytes.indices.count { bytes[$0...].starts(with: text.utf8) }
}

/// zlib: the same text comes out however the bytes are cut, no more of it than is allowed; what is compressed here comes out as
/// it went in.
@Sendable func checkCompression(_ input: [UInt8]) throws {
  let outcomes = try [[input[...]], pieces(of: input)].map(inflate)
  for outcome in outcomes {
    // What a failure holds back depends on where it is noticed.
    let (shorter, longer) =
      outcome.text.count < outcomes[0].text.count ? (outcome, outcomes[0]) : (outcomes[0], outcome)
    try hold(longer.text.starts(with: shorter.text), "the cutting changes the text")
    try hold(
      shorter.text.count == longer.text.count || shorter.failure != nil, "the cutting shortens the text")
    try hold(
      outcome.text.count <= Compression.freeExpansion + Compression.mostExpansion * input.count + 5000,
      "\(input.count) bytes become \(outcome.text.count)")
  }
  let zlib = try Compression()
  let compressed =
    zlib.deflate(Array(input.prefix(input.count / 2))) + zlib.deflate(Array(input.dropFirst(input.count / 2)))
  let outcome = try inflate(pieces(of: compressed))
  try hold(outcome.text == input && outcome.failure == nil, "what was compressed is not what comes out")
}

/// Inflates pieces as they come, a few bytes of text at a time.
private func inflate(_ pieces: [ArraySlice<UInt8>]) throws -> (text: [UInt8], failure: Failure?) {
  let zlib = try Compression()
  var text: [UInt8] = []
  var rest = pieces[...]
  var room = [UInt8](repeating: 0, count: 5000)
  do throws(Failure) {
    while true {
      var received: Result<Channel.Received, Failure> = .success(.nothing)
      room.withUnsafeMutableBytes { buffer in
        received = Result { () throws(Failure) in
          try zlib.inflate(into: buffer) { space in
            guard let piece = rest.first else { return .end(clean: false) }
            let part = piece.prefix(space.count)
            space.copyBytes(from: part)
            rest =
              part.count < piece.count ? [piece.dropFirst(part.count)] + rest.dropFirst() : rest.dropFirst()
            return .bytes(part.count)
          }
        }
      }
      guard case .bytes(let count) = try received.get() else { return (text, nil) }
      text += room[..<count]
    }
  } catch {
    return (text, error)
  }
}

/// A proxy's answers: the tunnel stands only after it said so, and after few bytes.
@Sendable func checkSOCKS(_ input: [UInt8]) throws {
  try checkHTTPConnect(input)
  for credentials in [nil, Proxy.Credentials(user: Array("u".utf8), password: Array("p".utf8))] {
    var dialogue = try SOCKSDialogue(credentials: credentials, host: "example.org", port: 5222)
    var rest = input[...]
    var sent = [dialogue.takeOutput()]
    while dialogue.wanted > 0, rest.count >= dialogue.wanted {
      try hold(dialogue.wanted <= 257, "\(dialogue.wanted) bytes are wanted at once")
      let bytes = Array(rest.prefix(dialogue.wanted))
      rest = rest.dropFirst(bytes.count)
      guard case .success = try attempt({ try dialogue.take(bytes) }) else { return }
      sent.append(dialogue.takeOutput())
    }
    guard dialogue.wanted == 0 else { continue }
    try hold(
      sent.joined().suffix(18).elementsEqual([5, 1, 0, 3, 11] + Array("example.org".utf8) + [0x14, 0x66]),
      "no request was sent")
    let login = input[1] == 2 ? 2 : 0
    try hold(input[0] == 5 && input[2 + login] == 5 && input[3 + login] == 0, "the proxy did not agree")
    try hold(login == 0 || credentials != nil && input[3] == 0, "the login was not accepted")
    try hold(input.count - rest.count <= 2 + login + 2 + 2 + 1 + 257, "more is read than an answer has")
  }
}

/// An HTTP proxy: no byte after the end of its header is wanted, and it is believed only if it says 2xx.
private func checkHTTPConnect(_ input: [UInt8]) throws {
  for head in ["", "HTTP/1.1 200 OK\r\n"] {
    var dialogue = HTTPConnectDialogue(credentials: nil, host: "example.org", port: 5222)
    let answer = Array(head.utf8) + input
    var used = 0
    while dialogue.wanted > 0, answer.count - used >= dialogue.wanted {
      try hold(dialogue.wanted <= 2, "\(dialogue.wanted) bytes are wanted at once")
      let bytes = Array(answer[used..<(used + dialogue.wanted)])
      used += bytes.count
      guard case .success = try attempt({ try dialogue.take(bytes) }) else { break }
    }
    guard dialogue.wanted == 0 else { continue }
    try hold(used <= HTTPConnectDialogue.longestAnswer, "an answer of \(used) bytes is read")
    let read = answer[..<used]
    try hold(read.starts(with: "HTTP/1.".utf8) && read.last == 0x0A, "the proxy did not agree")
  }
}
