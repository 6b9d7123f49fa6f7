import Glibc

/// The XML of a connection, line by line with times, for a person to read: secrets masked, controls escaped.
public final class Trace {
  /// Takes one line without its end: what stands before the text, and the text.
  private let bytes: ((String, String) -> Void)?
  /// Takes one line without its end.
  private let notes: ((String) -> Void)?
  private let showsSecrets: Bool
  private let start = Deadline.now

  /// - Parameters:
  ///   - showsSecrets: whether passwords and SASL data are shown as they are.
  ///   - bytes: takes each line of the trace, what is on the wire and the notes between: first its time and direction, then
  ///     its text.
  ///   - notes: takes the notes alone.
  public init(showsSecrets: Bool, bytes: ((String, String) -> Void)?, notes: ((String) -> Void)?) {
    self.showsSecrets = showsSecrets
    self.bytes = bytes
    self.notes = notes
  }

  /// Which way the bytes went.
  enum Direction: String {
    case sent = "C"
    case received = "S"
    case note = "*"
  }

  /// Shows bytes of a stream. `masked` is what is shown in their place unless secrets are asked for.
  func show(_ direction: Direction, _ bytes: some Collection<UInt8>, masked: String? = nil) {
    guard !bytes.isEmpty else { return }
    let text = masked.flatMap { showsSecrets ? nil : $0 } ?? String(decoding: bytes, as: UTF8.self)
    line(direction, text)
  }

  /// Says what happened between the bytes.
  func note(_ text: String) {
    notes?(text)
    line(.note, text)
  }

  private func line(_ direction: Direction, _ text: String) {
    guard let bytes else { return }
    let tenths = Int(Deadline.now.milliseconds(since: start) * 10)
    let time = "\(tenths / 10).\(tenths % 10)"
    let pad = String(repeating: " ", count: max(0, 8 - time.utf8.count))
    bytes("\(pad)\(time) ms \(direction.rawValue): ", text)
  }
}
