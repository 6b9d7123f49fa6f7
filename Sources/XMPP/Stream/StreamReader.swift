/// The incoming half of a stream: bytes as they were read, and the parser that takes them one event at a time.
///
/// What stands behind an event stays unparsed until the next one is asked for, so that nothing behind `<proceed/>` is
/// ever taken for XML of this stream.
struct StreamReader: ~Copyable {
  /// Bytes read; those before `used` have been parsed, those from `end` on are room.
  private var buffer = [UInt8](repeating: 0, count: 16 << 10)
  private var used = 0
  private var end = 0
  private var parser = StreamParser(limits: Limits())
  private let trace: Trace?
  /// The bytes of the event that is not complete yet, kept for the trace alone.
  private var traced: [UInt8] = []
  private var tracedCount = 0
  /// An event that is longer is traced as it was read, not byte for byte.
  private static let mostTraced = 16 << 10

  init(trace: Trace?) { self.trace = trace }

  /// Whether bytes were read that no event has taken.
  var hasLeftover: Bool { used < end }

  /// Whether what is left begins as an alert of TLS does (RFC 8446 §5.1): the answer to a stream header at a port where TLS
  /// begins with the first byte.
  var beginsWithAlert: Bool { end >= 2 && buffer[0] == 0x15 && buffer[1] == 0x03 }

  /// From here on skips elements that cannot be parsed and whose end can be found, since stanzas of anybody may come.
  mutating func skipUnparsable() { parser.skips = true }

  /// The namespace that the header declared for the content of the stream; empty if it declared none.
  var contentNamespace: String { parser.contentNamespace }

  /// Whether it does.
  var skipsUnparsable: Bool { parser.skips }

  /// Forgets the old stream altogether: a restarted stream has a new parser (RFC 6120 §4.3.3).
  mutating func restart() {
    used = 0
    end = 0
    parser = StreamParser(limits: Limits())
    (traced, tracedCount) = ([], 0)
  }

  /// The next event in the bytes read; `nil` when more are needed.
  ///
  /// - Throws: what the parser throws; nothing comes after it.
  mutating func next() throws(Failure) -> StreamParser.Event? {
    guard used < end else { return nil }
    let before = used
    let event: StreamParser.Event?
    do throws(Failure) {
      event = try parse()
    } catch {
      if trace != nil { show(before..<end, nil, isBroken: true) }
      throw error
    }
    if trace != nil { show(before..<used, event) }
    return event
  }

  /// Reads what the channel has, into the room there is; call when `next` has nothing.
  mutating func receive(from channel: Channel) throws(Failure) -> Channel.Received {
    if used == end {
      used = 0
      end = 0
    }
    var received: Result<Channel.Received, Failure> = .success(.nothing)
    buffer.withUnsafeMutableBytes { bytes in
      let room = UnsafeMutableRawBufferPointer(rebasing: bytes[end...])
      received = Result { () throws(Failure) in try channel.receive(into: room) }
    }
    let result = try received.get()
    if case .bytes(let count) = result { end += count }
    return result
  }

  private mutating func parse() throws(Failure) -> StreamParser.Event? {
    var event: Result<StreamParser.Event?, Failure> = .success(nil)
    buffer.withUnsafeBytes { bytes in
      let read = UnsafeRawBufferPointer(rebasing: bytes[..<end])
      event = Result { () throws(Failure) in try parser.next(read, &used) }
    }
    return try event.get()
  }

  /// Traces an event once it is whole, since only then it is known what of it is secret. Of one that never became whole,
  /// `isBroken`, only the length is told.
  private mutating func show(_ range: Range<Int>, _ event: StreamParser.Event?, isBroken: Bool = false) {
    let kept = max(0, min(range.count, StreamReader.mostTraced - traced.count))
    traced.append(contentsOf: buffer[range].prefix(kept))
    tracedCount += range.count
    guard event != nil || isBroken else { return }
    switch event {
    case .element(let element):
      let redacted = trace?.redacted(element)
      if tracedCount == traced.count {
        trace?.show(.received, traced, redacted: redacted)
      } else {
        trace?.show(.received, (redacted ?? element.xml).utf8)
      }
    case .skipped(let startTag, let reason):
      let tag = trace?.redacted(startTag) ?? startTag.xml
      trace?.show(.received, "\(tag) (skipped, \(tracedCount) bytes: \(reason.description))".utf8)
    case .header, .end: trace?.show(.received, traced)
    case nil:
      // What is no XML at all, as an answer of another protocol, is shown.
      let isXML = traced.first == UInt8(ascii: "<")
      trace?.show(.received, isXML ? Array("(\(tracedCount) bytes that are no whole element)".utf8) : traced)
    }
    (traced, tracedCount) = ([], 0)
  }
}
