import Glibc
import XMPP

/// What the listener sends: its own stanzas, and those of standard input.
extension Listener {
  /// Bytes that may wait to be sent before more is taken from the input, or answered.
  private static let mostPending = 256 << 10
  /// Bytes that may be unacknowledged before that.
  private static let mostUnacknowledged = 4 << 20
  /// Room among the unacknowledged that is left to the listener's own stanzas.
  private static let reserve = 256

  /// Sends a stanza of the listener's own.
  func send(_ stanza: Element) { send(SentStanza(stanza: stanza, isInput: false)) }

  private func send(_ sent: SentStanza) {
    // Where nothing is acknowledged, the listener's own has nothing to wait for.
    guard sent.isInput || session.management.canRequest else { return session.resend(sent.stanza) }
    if session.send(sent.stanza, token: sent) { sentKept.add(sent.stanza) }
  }

  /// The server has these.
  func forget(_ acknowledged: [SentStanza]) {
    for sent in acknowledged { sentKept.remove(sent.stanza) }
  }

  /// Whether there is room to answer a request: nobody can make us keep more than so much for a server that asks and does
  /// not read, or that never acknowledges.
  var canAnswer: Bool {
    session.pendingBytes < Listener.mostPending && sentKept.bytes < Listener.mostUnacknowledged
  }

  /// Whether acknowledgement is asked for: after so many stanzas, and where large ones leave no room.
  var isRequestDue: Bool {
    let management = session.management
    return management.isRequestDue
      || sentKept.bytes >= Listener.mostUnacknowledged && management.isOn && !management.awaitsAnswer
  }

  /// Whether more of standard input can be taken.
  var wantsInput: Bool { source?.wantsInput == true && hasRoomForInput }

  private var hasRoomForInput: Bool {
    session.management.unacknowledged.count < Listener.capacity - Listener.reserve && canAnswer
  }

  /// Sends what standard input has, and asks for the server's word that it has all of it.
  ///
  /// - Parameter takesInput: whether there is to be more of it.
  func forward(takesInput: Bool = true) throws(Failure) {
    guard let source else { return }
    var isNew = false
    while takesInput, hasRoomForInput, let item = try source.next() {
      send(SentStanza(stanza: item.stanza, isInput: true))
      isNew = true
    }
    let isLast = source.isAtEnd && !isClosing
    isClosing = source.isAtEnd
    let waiting = session.management.unacknowledged.count
    if session.management.canRequest {
      // Also for what the listener itself sends after the last of the input, such as an answer to a request.
      let isUnrequested = isNew || source.isAtEnd && session.management.hasUnrequested
      if isLast || isUnrequested && !session.management.awaitsAnswer { session.requestAcknowledgement() }
    } else if waiting > 0, !isDraining {
      // Stanzas are dealt with in order (RFC 6120 §10.1), so the answer to one stands for those before it.
      send(requests.request(.get, Ping.payload, for: .drain(waiting)))
      isDraining = true
    }
    if source.isAtEnd, waiting == 0 { sourceIsConfirmed = true }
  }

  /// The server has answered what was sent behind so many stanzas.
  func drained(_ count: Int) {
    forget(session.management.confirm(count))
    isDraining = false
  }
}

extension Listener.Request {
  /// Whether it only asks whether the server is there.
  var isPing: Bool { if case .ping = self { true } else { false } }
}
