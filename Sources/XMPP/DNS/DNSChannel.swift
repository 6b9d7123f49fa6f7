import CCares
import CLinux
import Glibc

/// The owner of a c-ares channel: it asks one question, or reads the hosts file. Only here the library is called.
///
/// c-ares opens the sockets and knows when to ask again; the waiting is `Waiter`'s, so that the run's deadline and its
/// signals hold. Its callbacks write into a `Progress` object, which lives as long as the channel.
///
/// A channel has one socket for each name server. With a channel of its own, each question has a port of its own, which a
/// forger has to guess too; and when nothing listens at a server, the system's error reaches each of them: c-ares 1.18 loses
/// that of the second question on a socket, and waits.
final class DNSChannel {
  /// What the system has, or a test in its place.
  struct Terms: Sendable {
    /// The name servers to ask in place of the system's; none for those.
    var servers: [NameServer] = []
    /// The file with the system's rules.
    var resolvConf = "/etc/resolv.conf"
  }

  /// What a channel is for.
  enum Purpose {
    /// A first question: with EDNS0, and an answer that is an error counts, so that it can be told.
    case asking
    /// The same question after an error: without EDNS0, which old servers do not know, and of each server in turn until one
    /// has an answer.
    case askingOthers
    /// The hosts file.
    case hostsFile
  }

  /// What is waited for further answers once one has records, in seconds: enough to ask a second time.
  static let grace = 1.5

  /// Bytes of an answer over UDP that pass through nearly every network in one piece (DNS flag day 2020).
  private static let answerSize: Int32 = 1232

  /// c-ares wants this once in a process; it is never undone.
  private static let isReady = ares_library_init(ARES_LIB_INIT_ALL) == cares_success

  private let channel: ares_channel
  private let progress = Progress()

  /// - Throws: stage `dns`, when the system's files cannot be read or memory is short.
  init(_ terms: Terms, for purpose: Purpose) throws(Failure) {
    guard DNSChannel.isReady else { throw DNSChannel.failure("c-ares cannot be initialized") }
    let limits = ResolverOptions(path: terms.resolvConf)
    var options = ares_options()
    var mask =
      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ
    options.timeout = Int32(limits.timeout) * 1000
    options.tries = Int32(limits.attempts)
    options.ednspsz = DNSChannel.answerSize
    if purpose == .asking { options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP }
    options.sock_state_cb = { context, descriptor, readable, writable in
      guard let context else { return }
      let events = Int16((readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0))
      Unmanaged<Progress>.fromOpaque(context).takeUnretainedValue().events[descriptor] =
        events == 0 ? nil : events
    }
    options.sock_state_cb_data = Unmanaged.passUnretained(progress).toOpaque()
    // No domains: the search list is `LookupRules`', so that both families are looked for in the same domain.
    if purpose == .hostsFile { mask |= ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS }
    if terms.resolvConf != Terms().resolvConf { mask |= ARES_OPT_RESOLVCONF }
    var channel: ares_channel?
    let status = terms.resolvConf.withCString { path in
      "f".withCString { lookups in
        // c-ares copies both, and writes to neither.
        options.resolvconf_path = UnsafeMutablePointer(mutating: path)
        options.lookups = UnsafeMutablePointer(mutating: lookups)
        return ares_init_options(&channel, &options, mask)
      }
    }
    guard status == cares_success, let channel else { throw DNSChannel.failure(status) }
    self.channel = channel
    guard !terms.servers.isEmpty else { return }
    let list = terms.servers.map(\.text).joined(separator: ",")
    let change = ares_set_servers_ports_csv(channel, list)
    guard change == cares_success else { throw DNSChannel.failure(change) }
  }

  // A question without an answer is answered by this, with an error; the object that is told so is still there.
  deinit { ares_destroy(channel) }

  /// What callbacks are given.
  private var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(progress).toOpaque() }

  /// The library's version, as it says itself.
  static var libraryVersion: String { ares_version(nil).map { String(cString: $0) } ?? "" }

  /// The system's rules.
  func rules() throws(Failure) -> LookupRules {
    var options = ares_options()
    var mask: Int32 = 0
    let status = ares_save_options(channel, &options, &mask)
    guard status == cares_success else { throw DNSChannel.failure(status) }
    defer { ares_destroy_options(&options) }
    let search = UnsafeBufferPointer(start: options.domains, count: Int(max(0, options.ndomains)))
    let lookups = options.lookups.map { String(cString: $0) } ?? "fb"
    return LookupRules(
      dots: Int(options.ndots), search: search.compactMap { $0.map { String(cString: $0) } },
      sources: lookups.utf8.compactMap {
        switch $0 {
        case UInt8(ascii: "f"): .hostsFile
        case UInt8(ascii: "b"): .dns
        default: nil
        }
      })
  }

  /// The name servers that are asked, as `--dns-server` takes them.
  var servers: [NameServer] {
    var list: UnsafeMutablePointer<ares_addr_port_node>?
    guard ares_get_servers_ports(channel, &list) == cares_success, let list else { return [] }
    defer { ares_free_data(list) }
    return sequence(first: list) { $0.pointee.next }.compactMap { node in
      let (family, port) = (node.pointee.family, UInt16(clamping: node.pointee.udp_port))
      let bytes = withUnsafeBytes(of: node.pointee.addr) { Array($0) }
      let address = family == AF_INET ? IPAddress(v4: Array(bytes.prefix(4))) : IPAddress(v6: bytes)
      return address.map { NameServer(address: $0, port: port == 0 ? 53 : port) }
    }
  }

  /// The addresses that the hosts file has for a name; the channel has to be for that.
  func hosts(_ name: HostName) -> [IPAddress] {
    var hints = ares_addrinfo_hints()
    hints.ai_family = AF_UNSPEC
    // CARES_HOSTS names another file, as c-ares documents it; a program with the rights of another user has the system's.
    hints.ai_flags = ARES_AI_NOSORT | (getauxval(UInt(AT_SECURE)) == 0 ? ARES_AI_ENVHOSTS : 0)
    ares_getaddrinfo(
      channel, name.text, nil, &hints,
      { context, _, _, result in
        guard let context, let result else { return }
        Unmanaged<Progress>.fromOpaque(context).takeUnretainedValue().answer =
          .addresses(IPAddress.all(in: result.pointee))
        ares_freeaddrinfo(result)
      }, context)
    guard case .addresses(let found)? = progress.answer else { return [] }
    return found
  }

  /// Asks side by side, and waits for the answers.
  ///
  /// - Parameter moment: when to give up.
  /// - Returns: an answer for each question, in their order.
  /// - Throws: what `Waiter.wait` throws; what `init` throws.
  static func ask(
    _ questions: [DNSQuestion], _ terms: Terms, for purpose: Purpose, waiter: Waiter, until moment: Deadline
  ) throws(Failure) -> [DNSAnswer] {
    var channels: [DNSChannel] = []
    for question in questions {
      let channel = try DNSChannel(terms, for: purpose)
      channel.ask(question)
      channels.append(channel)
    }
    var end = moment
    var hasRecords = false
    while channels.contains(where: { $0.answer == nil }), !end.hasPassed {
      try wait(for: channels, waiter, until: end)
      if !hasRecords, channels.contains(where: { $0.answer?.hasRecords ?? false }) {
        hasRecords = true
        end = min(end, .after(seconds: grace))
      }
    }
    return channels.map { $0.answer ?? .failed(.timeout) }
  }

  private var answer: DNSAnswer? { progress.answer }

  private func ask(_ question: DNSQuestion) {
    progress.question = question
    ares_query(
      channel, question.name.text, cares_class_in, question.kind.rawValue,
      { context, status, _, message, count in
        guard let context else { return }
        let progress = Unmanaged<Progress>.fromOpaque(context).takeUnretainedValue()
        guard let question = progress.question else { return }
        let message = UnsafeBufferPointer(start: message, count: message == nil ? 0 : Int(max(0, count)))
        progress.answer = DNSAnswer(status, message, to: question)
      }, context)
  }

  /// Waits once, and has c-ares do what can be done then.
  private static func wait(
    for channels: [DNSChannel], _ waiter: Waiter, until end: Deadline
  ) throws(Failure) {
    let asking = channels.filter { $0.answer == nil }
    let pause = asking.map(\.pause).min() ?? .now
    let sockets = asking.flatMap { channel in channel.progress.events.map { (channel, $0.key, $0.value) } }
    var descriptors = sockets.map { pollfd(fd: $0.1, events: $0.2, revents: 0) }
    _ = try waiter.wait(for: &descriptors, until: min(pause, end), doing: "asking the name servers")
    for ((channel, _, _), descriptor) in zip(sockets, descriptors) where descriptor.revents != 0 {
      channel.process(descriptor)
    }
    // What is due by the clock.
    for channel in asking { ares_process_fd(channel.channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD) }
  }

  /// When c-ares has something to do although nothing came.
  private var pause: Deadline {
    var left = timeval()
    guard ares_timeout(channel, nil, &left) != nil else { return .never }
    return .after(seconds: Double(left.tv_sec) + Double(left.tv_usec) / 1e6)
  }

  private func process(_ descriptor: pollfd) {
    let events = Int32(descriptor.revents)
    let failed = events & (POLLERR | POLLHUP | POLLNVAL) != 0
    ares_process_fd(
      channel, failed || events & POLLIN != 0 ? descriptor.fd : ARES_SOCKET_BAD,
      failed || events & POLLOUT != 0 ? descriptor.fd : ARES_SOCKET_BAD)
  }

  private static func failure(_ status: Int32) -> Failure { failure(String(cString: ares_strerror(status))) }

  private static func failure(_ reason: String) -> Failure {
    Failure(.dns, "resolver-failed", "the resolver: \(reason)", status: .noConnection)
  }
}

/// What c-ares tells a channel.
private final class Progress {
  /// The descriptors that it waits for, and the events of each.
  var events: [Int32: Int16] = [:]
  /// What was asked.
  var question: DNSQuestion?
  /// The answer, once it is there.
  var answer: DNSAnswer?
}

extension DNSAnswer {
  fileprivate var hasRecords: Bool {
    switch self {
    case .addresses, .services: true
    case .noData, .noSuchName, .failed: false
    }
  }
}
