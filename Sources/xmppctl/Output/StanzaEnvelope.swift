import XMPP

/// What is known of a stanza beyond itself: when and by which way it came.
struct StanzaEnvelope {
  /// When it was read; milliseconds since 1970.
  var received: Int64
  /// When it was sent, if the account's own server or the room vouches for that; milliseconds since 1970.
  var sent: Int64?
  /// When it was sent first, where what it was wrapped in says so (an archive, a carbon). It counts more than a delay in the
  /// stanza itself, which then stays in `payload`.
  var delay: Delay?
  /// Whether it is a copy of what another device received or sent.
  var carbon: Carbon.Direction?
  /// Its id in the archive it came from.
  var archive: String?

  init(
    received: Int64, sent: Int64? = nil, delay: Delay? = nil, carbon: Carbon.Direction? = nil,
    archive: String? = nil
  ) {
    self.received = received
    self.sent = sent
    self.delay = delay
    self.carbon = carbon
    self.archive = archive
  }

  /// When it was sent, as far as that is known, else when it was read; milliseconds since 1970.
  var time: Int64 { sent ?? received }
}

extension StanzaEnvelope {
  /// The envelope without the run's secrets, which a peer may repeat in it.
  func redacted(by echoes: EchoRedaction) -> StanzaEnvelope {
    if delay == nil, archive == nil { return self }
    var redacted = self
    redacted.archive = archive.map(echoes.text)
    redacted.delay?.stamp = (delay?.stamp).map(echoes.text) ?? ""
    redacted.delay?.from = (delay?.from).map(echoes.text)
    return redacted
  }
}
