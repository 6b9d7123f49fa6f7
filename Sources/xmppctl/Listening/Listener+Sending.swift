import Glibc
import XMPP

/// What the listener sends: its own stanzas, and those of standard input.
extension Listener {
  /// Bytes that may wait to be sent before more is taken from the input, or answered.
  static let mostPending = 256 << 10
  /// Room among the unacknowledged that is left to the listener's own stanzas.
  private static let reserve = 256

  /// Sends a stanza of the listener's own.
  func send(_ stanza: Element) {
    if session.management.canRequest {
      _ = session.send(stanza, token: stanza)
    } else {
      // Where nothing is acknowledged there is nothing to wait for.
      session.resend(stanza)
    }
  }

  /// Whether more of standard input can be taken.
  var wantsInput: Bool { source?.wantsInput == true && hasRoomForInput }

  private var hasRoomForInput: Bool {
    session.management.unacknowledged.count < Listener.capacity - Listener.reserve
      && session.pendingBytes < Listener.mostPending
  }

  /// Sends what standard input has, and asks for the server's word that it has all of it.
  func forward() throws(Failure) {
    guard let source else { return }
    var isNew = false
    while hasRoomForInput, let item = try source.next() {
      _ = session.send(item.stanza, token: item.stanza)
      isNew = true
    }
    let isLast = source.isAtEnd && !isClosing
    isClosing = source.isAtEnd
    let waiting = session.management.unacknowledged.count
    if session.management.canRequest {
      if isLast || isNew && !session.management.awaitsAnswer { session.requestAcknowledgement() }
    } else if waiting > 0, !isDraining {
      // Stanzas are dealt with in order (RFC 6120 §10.1), so the answer to one stands for those before it.
      send(requests.request(.get, Ping.payload, for: .drain(waiting)))
      isDraining = true
    }
    if source.isAtEnd, waiting == 0 { sourceIsConfirmed = true }
  }

  /// The server has answered what was sent behind so many stanzas.
  func drained(_ count: Int) {
    _ = session.management.confirm(count)
    isDraining = false
  }
}

extension Listener.Request {
  /// Whether it only asks whether the server is there.
  var isPing: Bool { if case .ping = self { true } else { false } }
}
