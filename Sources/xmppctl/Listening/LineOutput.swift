import Glibc
import XMPP

/// The lines that wait for stdout, and which stanzas they are of.
///
/// It is bounded: while there is no room the caller takes no more stanzas. A stanza without a line has its place among the
/// others all the same, so that they are dealt with in the order they came.
struct LineOutput {
  /// Bytes beyond which nothing is added, and stanzas.
  private static let limit = 256 << 10
  private static let mostStanzas = 1 << 14

  private let sink: OutputSink
  private let echoes: EchoRedaction
  private var lines: StanzaLine
  /// Bytes in `lines`.
  private var size = 0
  /// Bytes of them that are written.
  private var written = 0
  /// Where each stanza's line ends.
  private var ends: [Int] = []
  /// How many of `ends` are written.
  private var completed = 0

  init(_ style: StanzaLine.Style, to sink: OutputSink, _ echoes: EchoRedaction) {
    lines = StanzaLine(style)
    self.echoes = echoes
    self.sink = sink
  }

  /// Whether another stanza may be added.
  var hasRoom: Bool { size < LineOutput.limit && ends.count < LineOutput.mostStanzas }
  /// Whether all lines are written.
  var isEmpty: Bool { written == size }
  /// How many stanzas are not known to be written.
  var pending: Int { ends.count - completed }
  /// What to poll: that it takes more, where there is more; that its reader is gone, always.
  var interest: pollfd {
    pollfd(fd: sink.descriptor, events: isEmpty ? 0 : Int16(POLLOUT), revents: 0)
  }

  /// Adds a stanza's line.
  mutating func add(_ stanza: Stanza, _ envelope: StanzaEnvelope) {
    lines.append(echoes.stanza(stanza), envelope.redacted(by: echoes))
    size = lines.count
    ends.append(size)
  }

  /// Adds a stanza that has no line.
  mutating func pass() { ends.append(size) }

  /// Writes what can be written now.
  ///
  /// - Returns: how many more stanzas are wholly written.
  /// - Throws: an output failure where stdout is closed, full or broken.
  mutating func write() throws(Failure) -> Int {
    while written < size {
      do throws(Failure) {
        let count = try sink.write(lines.bytes[written..<size])
        guard count > 0 else { break }
        written += count
      } catch {
        removePartialLine()
        throw error
      }
    }
    return settle()
  }

  /// Takes back what a file has of a line that cannot be written whole.
  private mutating func removePartialLine() {
    let start = ends.last { $0 <= written } ?? 0
    if Printer.removePartialLine(written - start, from: sink.descriptor) { written = start }
  }

  /// Writes the rest of a line that is written in part, and where `all` is true the lines behind it.
  ///
  /// - Returns: how many more stanzas are wholly written; also where not all could be.
  mutating func finish(all: Bool, _ waiter: Waiter) -> Int {
    let start = ends.last { $0 <= written } ?? 0
    let end = all ? size : written > start ? ends.first { $0 > written } ?? size : written
    while written < end {
      var ready = [pollfd(fd: sink.descriptor, events: Int16(POLLOUT), revents: 0)]
      guard (try? waiter.wait(for: &ready, doing: "writing to stdout")) != nil,
        let count = try? sink.write(lines.bytes[written..<end])
      else { break }
      written += count
    }
    if written < end { removePartialLine() }
    return settle()
  }

  private mutating func settle() -> Int {
    let before = completed
    while completed < ends.count, ends[completed] <= written { completed += 1 }
    let count = completed - before
    if completed == ends.count, written == size {
      lines.removeAll()
      ends.removeAll(keepingCapacity: true)
      (size, written, completed) = (0, 0, 0)
    }
    return count
  }
}
