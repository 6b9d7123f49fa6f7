import XMPP

/// What a run of `listen` is to do, read from its options.
struct ListenPlan {
  /// The form of a line.
  var style = StanzaLine.Style.text
  /// Which stanzas get one.
  var filter: StanzaFilter
  /// Keeps what the server repeats of the run's secrets out of what is shown.
  let echoes: EchoRedaction
  /// After how many lines it ends.
  var count: Int?
  /// After how many seconds without a line it ends.
  var idle: Double?
  /// The rooms to join, each with the nickname as resourcepart.
  var rooms: [JID] = []
  var roomPassword: String?
  /// Whether the user chose the nickname.
  var hasNick = false
  /// How many of a room's last messages to ask for.
  var history = 0
  /// Whether copies of what other devices send and receive are asked for (XEP-0280).
  var carbons = false
  /// The presence it announces; `nil` is none.
  var presence: Element?
  /// Whether receipts are sent where they are asked for (XEP-0184).
  var receipts = false
  /// What of the archive comes first (XEP-0313).
  var since: Since?
  /// Whether stanzas are read from standard input and sent.
  var duplex = false
  /// Where the session is kept between two runs.
  var state: StateFile?
  /// Whether a connection that was lost is made again.
  var reconnects = true
  /// Seconds of silence after which the server is asked whether it is there.
  var pingInterval = 60.0
}
