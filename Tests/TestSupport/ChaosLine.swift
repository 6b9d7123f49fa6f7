import Foundation

/// One line through a `ChaosProxy`: both directions, on one thread.
final class ChaosLine {
  enum Ending { case closed, reset }

  /// What goes one way.
  private struct Way {
    let direction: Chaos.Direction
    let from: Int32
    let to: Int32
    var faults: [Chaos.Fault]
    /// What was read and not passed on yet.
    var held: ArraySlice<UInt8> = []
    /// How many bytes were taken from who sent them.
    var passed = 0
    /// Nothing passes before.
    var next = ContinuousClock.now
    var isDropped = false
    /// No more is read.
    var isEnded = false
    /// The far side was told so.
    var isTold = false
  }

  private let number: Int
  private let chaos: Chaos
  private var generator: SeededGenerator
  private var ways: [Way]
  private var plainText = ChaosPlainText()
  /// After a cut: both ends were told, and have so long to go.
  private var lastMoment: ContinuousClock.Instant?

  init(client: Int32, server: Int32, number: Int, chaos: Chaos) {
    self.number = number
    self.chaos = chaos
    generator = SeededGenerator(seed: chaos.seed &+ UInt64(number))
    ways = Chaos.Direction.allCases.map { direction in
      let faults = chaos.faults.filter { $0.line == number && $0.direction == direction }
        .sorted { $0.offset < $1.offset }
      return direction == .toServer
        ? Way(direction: direction, from: client, to: server, faults: faults)
        : Way(direction: direction, from: server, to: client, faults: faults)
    }
    for end in [client, server] {
      var on: Int32 = 1
      setsockopt(end, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
      _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
    }
  }

  /// Passes bytes on until both ends have ended, or something ends the line.
  ///
  /// - Parameter happens: is told the name of each thing that happens.
  func run(_ happens: (String) -> Void) -> Ending {
    if chaos.pieces != .whole { happens("pieces") }
    while ways.contains(where: { !$0.isTold }) {
      if let lastMoment, lastMoment < .now { break }
      let now = ContinuousClock.now
      var waited = ways.flatMap { way in
        [
          pollfd(fd: way.held.isEmpty && !way.isEnded ? way.from : -1, events: Int16(POLLIN), revents: 0),
          pollfd(fd: !way.held.isEmpty && way.next <= now ? way.to : -1, events: Int16(POLLOUT), revents: 0),
        ]
      }
      let soonest =
        ways.filter { !$0.held.isEmpty && $0.next > now }.map(\.next) + [lastMoment].compactMap { $0 }
      _ = poll(&waited, nfds_t(waited.count), soonest.min().map(Descriptor.pollTimeout) ?? -1)
      for index in ways.indices {
        if waited[2 * index].revents != 0 { take(&ways[index]) }
        // What happened to the other direction just now may have taken what was held.
        if waited[2 * index + 1].revents != 0, !ways[index].held.isEmpty, let ending = pass(index, happens) {
          return ending
        }
        if ways[index].isEnded, ways[index].held.isEmpty, !ways[index].isTold {
          ways[index].isTold = true
          // Who is not told of silence is not told of its end.
          if !ways[index].isDropped { shutdown(ways[index].to, Int32(SHUT_WR)) }
        }
      }
    }
    return .closed
  }

  private func take(_ way: inout Way) {
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    let count = recv(way.from, &buffer, buffer.count, 0)
    if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
    guard count > 0 else { return way.isEnded = true }
    if !way.isDropped { way.held = buffer[..<count] }
  }

  /// Passes one piece on, up to the next fault, or lets that happen.
  private func pass(_ index: Int, _ happens: (String) -> Void) -> Ending? {
    let held = ways[index].held
    let fault = ways[index].faults.first
    if let fault, ways[index].passed >= fault.offset {
      ways[index].faults.removeFirst()
      happens(fault.kind.rawValue)
      return strike(fault.kind, index)
    }
    let reach = min(held.count, (fault?.offset ?? .max) - ways[index].passed)
    var length =
      switch chaos.pieces {
      case .whole: reach
      case .bytes: min(reach, 1)
      case .random: min(reach, Int.random(in: 1...400, using: &generator))
      }
    let isToServer = ways[index].direction == .toServer
    if isToServer { length = plainText.length(of: held, wanted: length) }
    // A stall can wait for the end of a tag. After any other fault no answer is expected.
    if fault?.kind != .stall { length = min(length, reach) }
    let piece = held.prefix(length)
    let count = piece.withUnsafeBytes { send(ways[index].to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    guard count > 0 else {
      if errno == EAGAIN || errno == EINTR { return nil }
      // The far side is gone, and so who sends is told.
      ways[index].held = []
      ways[index].isEnded = true
      return .reset
    }
    ways[index].held = ways[index].held.dropFirst(count)
    ways[index].passed += count
    if isToServer { plainText.pass(piece.prefix(count)) }
    if chaos.pauses > 0, Int.random(in: 0..<chaos.pauses, using: &generator) == 0 {
      happens("pauses")
      ways[index].next = .now + .milliseconds(Int.random(in: 1...20, using: &generator))
    }
    return nil
  }

  private func strike(_ kind: Chaos.Kind, _ index: Int) -> Ending? {
    switch kind {
    case .stall: ways[index].next = .now + .milliseconds(Int.random(in: 200...1500, using: &generator))
    case .drop: drop(index)
    case .dropBoth: ways.indices.forEach(drop)
    case .cut:
      for way in ways { shutdown(way.to, Int32(SHUT_WR)) }
      lastMoment = .now + .seconds(5)
      ways.indices.forEach(drop)
    case .reset: return .reset
    case .change:
      ways[index].held[ways[index].held.startIndex] ^= UInt8.random(in: 1...255, using: &generator)
    case .add:
      let count = Int.random(in: 1...64, using: &generator)
      ways[index].held = (0..<count).map { _ in .random(in: 0...255, using: &generator) } + ways[index].held
    }
    return nil
  }

  private func drop(_ index: Int) {
    ways[index].isDropped = true
    ways[index].held = []
  }
}
