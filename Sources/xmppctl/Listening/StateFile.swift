import Glibc
import XMPP

/// What `--state` keeps between two runs: the session to come back to (XEP-0198 §5). No password.
struct SavedSession {
  /// The full JID that was bound.
  var jid: JID
  /// The session's counts, and its name where there is one to come back to.
  var management: StreamManagement<SentStanza>
  /// How far the archive is known to be read.
  var position: ArchivePosition?
  /// When the first of the runs that continue each other began; milliseconds since 1970.
  var firstOpened: Int64
  /// The messages that came live, and the place before which their lines are written.
  var seen: SeenMessages
  var written: Int
}

/// The file of `--state`: its owner's alone, always whole, and one run's at a time.
///
/// The lock is on the file itself, so that a run leaves nothing else behind. A new version is locked before it takes the
/// place of the old one.
final class StateFile {
  private static let limit = 64 << 20
  /// How many messages are kept to be told from those of the archive.
  private static let mostSeen = 1024

  /// The file itself; a link is resolved when it is taken.
  private var path: String
  /// What was written last, to write only what is new.
  private var latest: Mark?
  /// The file as it is, locked; -1 before it was loaded.
  private var locked: Int32 = -1

  private struct Mark: Equatable {
    let id: String?
    let handled: UInt32
    let acknowledged: UInt32
    let unacknowledged: Int
    let position: ArchivePosition?
  }

  init(_ path: String) { self.path = path }

  deinit { if locked >= 0 { close(locked) } }

  /// Takes the file for this run, and reads the session of the run before; `nil` where there is none.
  ///
  /// - Throws: status 66 where the file cannot be read or another run has it, 65 where it is none of ours.
  func load(account: JID, capacity: Int) throws(Failure) -> SavedSession? {
    try resolve()
    locked = try lock()
    guard let bytes = try read(locked) else { return nil }
    guard let value = try? JSONValue(json5: bytes), case .object(let members) = value,
      case .string(let address)? = members["jid"], let jid = try? JID(parsing: address), !jid.isBare,
      case .number(let handled)? = members["handled"], let handled = UInt32(exactly: handled),
      case .number(let acknowledged)? = members["acknowledged"],
      let acknowledged = UInt32(exactly: acknowledged),
      case .array(let sent)? = members["unacknowledged"]
    else { throw foreign("it holds no session") }
    guard jid.bare == account.bare else { throw foreign("it holds a session of \(jid.bare)") }
    var management = StreamManagement<SentStanza>(capacity: capacity)
    if case .string(let id)? = members["id"] {
      management = StreamManagement(
        resuming: .init(id: id), handledCount: handled, acknowledgedCount: acknowledged,
        unacknowledged: try stanzas(sent), capacity: capacity)
    }
    var position: ArchivePosition?
    if let time = StateFile.time(members["time"]) {
      position = ArchivePosition(id: nil, time: time)
      if case .string(let id)? = members["archived"] { position?.id = id }
    }
    var firstOpened = Int64.now
    if let time = StateFile.time(members["opened"]) { firstOpened = time }
    return SavedSession(
      jid: jid, management: management, position: position, firstOpened: firstOpened,
      seen: StateFile.seen(members["seen"]), written: 0)
  }

  /// A time of this file, which anybody may have edited: before the year 10000; milliseconds since 1970.
  private static func time(_ value: JSONValue?) -> Int64? {
    guard case .number(let number)? = value, let time = Int64(exactly: number),
      0..<253_402_300_800_000 ~= time
    else { return nil }
    return time
  }

  /// The messages of the run before: the key of their fingerprints, then fingerprint and time of each.
  private static func seen(_ value: JSONValue?) -> SeenMessages {
    func number(_ text: Substring) -> UInt64? { text.utf8.count == 16 ? UInt64(text, radix: 16) : nil }
    guard case .array(let values)? = value, case .string(let key)? = values.first, key.utf8.count == 32,
      let first = number(key.prefix(16)), let second = number(key.suffix(16))
    else { return SeenMessages() }
    let entries = values.dropFirst().compactMap { value -> SeenMessages.Entry? in
      guard case .array(let pair) = value, pair.count == 2, case .string(let text) = pair[0],
        let fingerprint = number(text[...]), let time = StateFile.time(pair[1])
      else { return nil }
      return SeenMessages.Entry(fingerprint: fingerprint, time: time, place: -1)
    }
    return SeenMessages(key: SipHash.Key(first: first, second: second), entries: entries)
  }

  /// Writes the session where it has changed, all of it or nothing.
  ///
  /// It outlives the process however that ends, not the machine: after a power failure the server has given the session up
  /// before long anyway.
  func save(_ session: SavedSession) throws(Failure) {
    let management = session.management
    let mark = Mark(
      id: management.resumption?.id, handled: management.handledCount,
      acknowledged: management.acknowledgedCount, unacknowledged: management.unacknowledged.count,
      position: session.position)
    guard mark != latest else { return }
    var json = JSONWriter()
    json.object { json in
      json.member("jid", session.jid.full)
      json.member("id", mark.id)
      json.member("handled", Int(mark.handled))
      json.member("acknowledged", Int(mark.acknowledged))
      json.key("unacknowledged")
      json.array(management.unacknowledged) { json, sent in
        json.object { json in
          json.member("stanza", sent.stanza.xml)
          json.member("input", sent.isInput)
        }
      }
      json.member("archived", mark.position?.id)
      json.member("time", (mark.position?.time).map { Int($0) })
      json.member("opened", Int(session.firstOpened))
      json.key("seen")
      json.array { json in
        let key = session.seen.key
        json.value(hex(key.first, digits: 16) + hex(key.second, digits: 16))
        let since = (mark.position?.time ?? 0) - 2 * SeenMessages.margin
        for entry in session.seen.newest(StateFile.mostSeen, before: session.written, since: since) {
          json.array { json in
            json.value(hex(entry.fingerprint, digits: 16))
            json.value(Int(entry.time))
          }
        }
      }
    }
    json.endLine()
    try replace(json.bytes)
    latest = mark
  }

  /// Removes the file where nothing was ever written into it.
  func discardIfEmpty() {
    var facts = stat()
    guard locked >= 0, fstat(locked, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size == 0,
      facts.st_uid == geteuid(), isNamed(facts)
    else { return }
    unlink(path)
  }

  private func replace(_ bytes: [UInt8]) throws(Failure) {
    let new = path + ".new"
    for name in [new, path] {
      var facts = stat()
      // In a folder that others may write, what has this name may be theirs, and is not removed.
      guard lstat(name, &facts) != 0 || facts.st_uid == geteuid() else {
        throw unwritable("\(name) belongs to another user")
      }
    }
    // Whatever a run that was killed has left there is not written into: it may have other permissions.
    unlink(new)
    let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw unwritable() }
    var unused = descriptor
    defer { close(unused) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw unwritable() }
    var rest = bytes[...]
    while !rest.isEmpty { rest = rest.dropFirst(try Printer.write(rest, to: descriptor, name: path)) }
    guard rename(new, path) == 0 else { throw unwritable() }
    swap(&locked, &unused)
  }

  /// Follows a link of the user's own, or root's, to the file that is there: the new version takes its place, not the link's.
  /// Whoever else laid a link, or one that leads nowhere, may want a file to be made or read in another place.
  private func resolve() throws(Failure) {
    var facts = stat()
    guard lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFLNK else { return }
    guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
      throw foreign("it is a symbolic link of another user")
    }
    guard let target = realpath(path, nil) else { throw foreign("it is a symbolic link that leads nowhere") }
    path = String(cString: target)
    free(target)
  }

  /// Whether the file has the name still.
  private func isNamed(_ opened: stat) -> Bool {
    var named = stat()
    return lstat(path, &named) == 0 && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
  }

  private func lock() throws(Failure) -> Int32 {
    while true {
      let descriptor = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0o600)
      guard descriptor >= 0 else { throw errno == ENOENT ? unwritable() : unreadable() }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        let failure = errno == EWOULDBLOCK ? inUse : unreadable()
        close(descriptor)
        throw failure
      }
      // Another run may have put a new version in its place before the lock was there.
      var opened = stat()
      if fstat(descriptor, &opened) == 0, isNamed(opened) { return descriptor }
      close(descriptor)
    }
  }

  private func read(_ descriptor: Int32) throws(Failure) -> [UInt8]? {
    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else { throw unreadable() }
    guard facts.st_mode & S_IFMT == S_IFREG, facts.st_size <= StateFile.limit
    else { throw foreign("it is no file of a session") }
    guard facts.st_uid == geteuid() else { throw foreign("it belongs to another user") }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = piece.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable() }
      if count == 0 { return bytes.isEmpty ? nil : bytes }
      bytes += piece[..<count]
    }
  }

  private func stanzas(_ values: [JSONValue]) throws(Failure) -> [SentStanza] {
    var sent: [SentStanza] = []
    for value in values {
      var input = InputStanzas()
      var used = 0
      guard case .object(let members) = value, case .string(let text)? = members["stanza"],
        case .bool(let isInput)? = members["input"],
        let stanza = try? input.next(Array(text.utf8), &used)
      else { throw foreign("it holds no session") }
      sent.append(SentStanza(stanza: stanza.element, isInput: isInput))
    }
    return sent
  }

  private func foreign(_ why: String) -> Failure {
    Failure(
      .input, "bad-state", "\(path): \(why)", hint: "name another file with --state, or remove it",
      status: .data)
  }

  private var inUse: Failure {
    Failure(
      .input, "state-in-use", "\(path): another run uses it", hint: "name another file with --state",
      status: .noInput)
  }

  private func unreadable() -> Failure {
    Failure(.input, "unreadable", "\(path): \(String(cString: strerror(errno)))", status: .noInput)
  }

  private func unwritable(_ why: String? = nil) -> Failure {
    Failure(
      .output, "write-failed", "\(path): \(why ?? String(cString: strerror(errno)))", status: .output)
  }
}
