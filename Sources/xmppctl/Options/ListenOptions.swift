import ArgumentParser
import XMPP

/// Which stanzas `listen` prints, and how many.
struct FilterOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Only message, presence, iq, chat, … Repeatable.",
      valueName: "type"),
    completion: .list(["message", "presence", "iq"] + Message.Kind.allCases.map(\.rawValue) + ["error"]))
  var type: [String] = []

  @Option(help: ArgumentHelp("Only from this JID or domain. Repeatable.", valueName: "jid"))
  var from: [String] = []

  @Option(
    help: ArgumentHelp(
      "Only with a payload in this namespace. Repeatable.", valueName: "ns", visibility: .uncommon))
  var namespace: [String] = []

  @Option(
    name: [.customShort("n"), .long], help: ArgumentHelp("Stop after N lines.", valueName: "n"))
  var count: [Count] = []

  @Option(help: ArgumentHelp("Stop when nothing was printed for S seconds.", valueName: "sec"))
  var idle: [Seconds] = []

  @Option(
    name: [.customShort("m"), .long],
    help: ArgumentHelp("Stop after S seconds; without it, never.", valueName: "sec"))
  var maxTime: [Seconds] = []

  func makeFilter() throws -> StanzaFilter {
    try StanzaFilter(types: type, senders: from, namespaces: namespace)
  }
}

/// What `listen` makes the server send it.
struct PresenceOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Join this room. Repeatable.", valueName: "room")) var room: [String] = []
  @Option(
    help: ArgumentHelp(
      "The nickname in rooms; the localpart otherwise.", valueName: "nick", visibility: .uncommon))
  var nick: [String] = []
  @OptionGroup var roomPassword: RoomPasswordOptions
  @Option(help: ArgumentHelp("Ask a room for its last N messages.", valueName: "n"))
  var history: [Count] = []
  @Flag(
    help: ArgumentHelp(
      "Also what the account's other devices get and send (XEP-0280).", visibility: .uncommon))
  var carbons = false
  @Option(
    help: ArgumentHelp("The priority of the presence, -128 to 127.", valueName: "n", visibility: .uncommon))
  var priority: [Int8] = []
  @Flag(help: ArgumentHelp("Announce no presence.", visibility: .uncommon)) var noPresence = false
  @Option(
    help: ArgumentHelp(
      "First the archive, since then or the last N.",
      valueName: "time|n"))
  var since: [String] = []
  @Flag(help: ArgumentHelp("Send receipts (XEP-0184), once the line is written.", visibility: .uncommon))
  var receipts = false

  /// - Throws: a usage failure for what contradicts itself, a data failure for what is no address.
  func apply(to plan: inout ListenPlan, _ login: Login) throws {
    let priority = try once("--priority", priority)
    if noPresence, priority != nil { throw Failure.usage("--priority and --no-presence exclude each other") }
    plan.presence = noPresence ? nil : Presence.available(priority: priority)
    let nick = try once("--nick", nick)
    plan.history = try once("--history", history)?.value ?? 0
    if room.isEmpty, let option = roomOption(nick) { throw Failure.usage("\(option) needs --room") }
    for room in room {
      let address = try Target(room).room()
      plan.hasNick = plan.hasNick || nick != nil || address.resourcepart != nil
      let name = nick ?? address.resourcepart ?? login.jid.localpart ?? "xmppctl"
      let occupant = try address.with(resourcepart: name)
      if plan.rooms.contains(where: { $0.bare == occupant.bare }) {
        throw Failure.usage("the room \(occupant.bare) is given twice")
      }
      plan.rooms.append(occupant)
    }
    plan.carbons = carbons
    plan.receipts = receipts
    if let since = try once("--since", since) {
      plan.since = Since(since)
      if plan.since == nil { throw Failure.usage("--since \(since) is neither a time nor a number") }
    }
  }

  private func roomOption(_ nick: String?) -> String? {
    nick != nil ? "--nick" : roomPassword.givenOption ?? (history.isEmpty ? nil : "--history")
  }
}

/// What `listen` does against loss.
struct KeepingOptions: ParsableArguments {
  @Flag(help: ArgumentHelp("End at the first disconnection.", visibility: .uncommon))
  var noReconnect = false
  @Option(
    help: ArgumentHelp(
      "Ask the server whether it is there after S seconds of silence; default 60.", valueName: "sec",
      visibility: .uncommon))
  var pingInterval: [Seconds] = []

  @Option(
    help: ArgumentHelp(
      "Keep the session in FILE: the next run resumes it.", valueName: "file"),
    completion: .file())
  var state: [String] = []
  @Flag(help: "Also send what comes on stdin, as of send --ndjson.")
  var duplex = false

  func apply(to plan: inout ListenPlan) throws {
    plan.state = try once("--state", state).map(StateFile.init)
    plan.duplex = duplex
    plan.reconnects = !noReconnect
    plan.pingInterval = try once("--ping-interval", pingInterval)?.value ?? 60
  }
}

/// A whole number above zero.
struct Count: ExpressibleByArgument {
  let value: Int

  init?(argument: String) {
    guard let value = Int(argument), value > 0 else { return nil }
    self.value = value
  }
}
