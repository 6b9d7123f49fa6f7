/// What a `ChaosProxy` does to the lines that go through it; all of it follows from a seed.
public struct Chaos: Sendable, CustomStringConvertible {
  /// In what pieces bytes are passed on.
  public enum Pieces: String, Sendable, CaseIterable { case whole, bytes, random }

  /// What can happen to a line, once.
  public enum Kind: String, Sendable, CaseIterable {
    /// Nothing passes for a while, in this direction.
    case stall
    /// Nothing passes any more in this direction, and nobody is told.
    case drop
    /// Nothing passes any more in either direction, and nobody is told.
    case dropBoth
    /// The line is ended at both ends (FIN).
    case cut
    /// The line is reset at both ends (RST).
    case reset
    /// A byte becomes another one.
    case change
    /// Bytes come that nobody sent.
    case add
  }

  /// Which way.
  public enum Direction: String, Sendable, CaseIterable { case toServer, toClient }

  /// Something that happens to one line at one place.
  public struct Fault: Sendable {
    /// What happens.
    public let kind: Kind
    /// To which line, counted from 0.
    public let line: Int
    /// To which of its directions.
    public let direction: Direction
    /// In front of which of its bytes.
    public let offset: Int
  }

  /// In what pieces bytes are passed on.
  public var pieces = Pieces.whole
  /// One in so many pieces waits for some milliseconds; none where it is 0.
  public var pauses = 0
  /// What happens besides.
  public var faults: [Fault] = []
  /// Where the sizes of pieces, the lengths of pauses and the bytes that are added come from.
  public var seed: UInt64 = 0

  /// A line on which everything passes as it comes.
  public init() {}

  /// What follows from a seed: pieces and pauses of every kind, and up to three faults, on one line after another.
  public init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    self.seed = generator.next()
    pieces = Pieces.allCases.randomElement(using: &generator) ?? .whole
    // Not so many of them that no byte comes for seconds.
    pauses = [0, 0, pieces == .bytes ? 200 : 10, 1000].randomElement(using: &generator) ?? 0
    // A conversation has some hundred bytes before TLS, some thousand up to the login, and then what it is for.
    let reach = [300, 3000, 6000, 12_000, 40_000]
    for line in 0..<Int.random(in: 0...3, using: &generator) {
      faults.append(
        Fault(
          kind: Kind.allCases.randomElement(using: &generator) ?? .cut, line: line,
          direction: Direction.allCases.randomElement(using: &generator) ?? .toServer,
          offset: Int.random(in: 0..<(reach.randomElement(using: &generator) ?? 1), using: &generator)))
    }
  }

  /// Whether everything that is said comes, soon enough.
  public var isHarmless: Bool { faults.allSatisfy { $0.kind == .stall } }

  /// Whether a line can fall silent.
  public var isSilencing: Bool { faults.contains { $0.kind == .drop || $0.kind == .dropBoth } }

  /// In a few words.
  public var description: String {
    let happenings = faults.map { "\($0.kind.rawValue) \($0.direction.rawValue) at \($0.line):\($0.offset)" }
    return (["pieces \(pieces.rawValue)", "pauses \(pauses)"] + happenings).joined(separator: ", ")
  }
}
