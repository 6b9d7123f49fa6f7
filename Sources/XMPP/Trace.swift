import Glibc

/// The XML of a connection, line by line with times, for a person to read: secrets redacted, controls escaped.
public final class Trace {
  /// Takes one line without its end: what stands before the text, and the text.
  private let bytes: ((String, String) -> Void)?
  /// Takes one line without its end.
  private let notes: ((String) -> Void)?
  private let showsSecrets: Bool
  private let echoes: EchoRedaction
  private let start = Deadline.now

  /// - Parameters:
  ///   - showsSecrets: whether passwords and SASL data are shown as they are.
  ///   - bytes: takes each line of the trace, what is on the wire and the notes between: first its time and direction, then
  ///     its text.
  ///   - notes: takes the notes alone.
  ///   - echoes: what the peer may repeat of the run's secrets.
  public init(
    showsSecrets: Bool, bytes: ((String, String) -> Void)?, notes: ((String) -> Void)?,
    echoes: EchoRedaction = EchoRedaction()
  ) {
    self.showsSecrets = showsSecrets
    self.bytes = bytes
    self.notes = notes
    self.echoes = echoes
  }

  /// Which way the bytes went.
  enum Direction: String {
    case sent = "C"
    case received = "S"
    case note = "*"
  }

  /// What is shown in place of an element that has something to redact; `nil` if it is shown as it is.
  func redacted(_ element: Element) -> String? {
    if bytes == nil || showsSecrets { return nil }
    let redacted = echoes.redacted(element)
    return Redaction.text(for: redacted ?? element) ?? redacted?.xml
  }

  /// Shows bytes of a stream, or `redacted` in their place.
  func show(_ direction: Direction, _ bytes: some Collection<UInt8>, redacted: String? = nil) {
    guard self.bytes != nil, !bytes.isEmpty else { return }
    line(direction, redacted ?? String(decoding: bytes, as: UTF8.self))
  }

  /// Says what happened between the bytes.
  func note(_ text: String) {
    notes?(echoes.text(text))
    line(.note, text)
  }

  private func line(_ direction: Direction, _ text: String) {
    guard let bytes else { return }
    let tenths = Int(Deadline.now.milliseconds(since: start) * 10)
    let time = "\(tenths / 10).\(tenths % 10)"
    let pad = String(repeating: " ", count: max(0, 8 - time.utf8.count))
    bytes("\(pad)\(time) ms \(direction.rawValue): ", showsSecrets ? text : echoes.text(text))
  }
}
