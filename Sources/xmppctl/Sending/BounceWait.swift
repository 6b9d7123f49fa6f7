import XMPP

/// Which stanzas wait for an error from another domain, and the pings that end the wait. No I/O.
///
/// A server acknowledges a message for another domain before it has reached that domain. So a ping (XEP-0199) to the domain
/// follows the message: it gets the answer of the domain, or the same error. There is one ping for each domain; another one
/// follows only if the first could not be delivered. A domain that has answered is not asked again.
struct BounceWait {
  private struct Domain {
    let address: JID
    /// Stanzas that wait, oldest first.
    var numbers: [Int] = []
    /// The number of the first stanza that was sent after the ping in flight.
    var barrier: Int?
    /// Whether it is in the list of domains to be asked.
    var isUnasked = false
  }

  /// The maximum number of pings in flight, and of domains that are remembered.
  private static let maximumPings = 512

  /// Seconds that a stanza waits after the server has acknowledged it.
  private let seconds: Double
  private var domains: [String.UTF8Key: Domain] = [:]
  /// Domains to be asked.
  private var unasked: [String.UTF8Key] = []
  /// The domain of each ping in flight.
  private var pings: [Int: JID] = [:]
  /// Domains that have answered.
  private var reached: Set<String.UTF8Key> = []
  /// The domains of the stanzas that wait, in the order of sending.
  private var order: [(number: Int, domain: String.UTF8Key)] = []
  /// When stanzas have waited long enough; the earliest first.
  private var ends: [(moment: Deadline, numbers: [Int])] = []

  /// - Parameter seconds: how long a stanza waits; 0 for not at all.
  init(seconds: Double) { self.seconds = seconds }

  /// Notes a stanza that is about to be sent.
  ///
  /// - Returns: whether it waits for an error.
  mutating func begins(_ item: SendItem, number: Int, account: JID) -> Bool {
    guard seconds > 0, item.awaited == .server, !item.stanza.name.isSame(as: "iq"),
      let domain = item.to?.domain,
      domain != account.domain
    else { return false }
    let key = String.UTF8Key(domain.domainpart)
    guard !reached.contains(key) else { return false }
    domains[key, default: Domain(address: domain)].numbers.append(number)
    order.append((number, key))
    if domains[key]?.barrier == nil, domains[key]?.isUnasked != true {
      domains[key]?.isUnasked = true
      unasked.append(key)
    }
    return true
  }

  /// The next domain to be asked.
  ///
  /// - Parameters:
  ///   - ping: the number of the ping that follows.
  ///   - barrier: the number of the first stanza that will be sent after it.
  mutating func domainToAsk(_ ping: Int, before barrier: Int) -> JID? {
    while pings.count < BounceWait.maximumPings, !unasked.isEmpty {
      let key = unasked.removeFirst()
      domains[key]?.isUnasked = false
      guard let domain = domains[key], domain.barrier == nil else { continue }
      domains[key]?.barrier = barrier
      pings[ping] = domain.address
      return domain.address
    }
    return nil
  }

  /// Takes the answer to a ping.
  mutating func answered(_ ping: Int, _ error: StanzaError?, _ delivery: inout Delivery) {
    guard let address = pings.removeValue(forKey: ping) else { return }
    let key = String.UTF8Key(address.domainpart)
    guard let condition = error?.condition, let error, !provesReachability(condition) else {
      if reached.count >= BounceWait.maximumPings { reached = [] }
      reached.insert(key)
      delivery.endBounceWait(domains.removeValue(forKey: key)?.numbers ?? [])
      return
    }
    guard var domain = domains[key] else { return }
    let barrier = domain.barrier ?? 0
    domain.barrier = nil
    if isUnreachable(condition) {
      delivery.refuse(domain.numbers.prefix { $0 < barrier }, with: error)
      domain.numbers.removeAll { $0 < barrier }
    }
    if let last = domain.numbers.last, last >= barrier, !domain.isUnasked {
      domain.isUnasked = true
      unasked.append(key)
    }
    domains[key] = domain.numbers.isEmpty ? nil : domain
  }

  /// Whether the account's own server says that it does not reach the domain (RFC 6120 §8.3.3.16, §8.3.3.17).
  private func isUnreachable(_ condition: String) -> Bool {
    ["remote-server-not-found", "remote-server-timeout"].contains { condition.isSame(as: $0) }
  }

  /// Whether an error can only come from a domain that was reached, as service-unavailable from one without pings, or follows
  /// the error to the stanza itself. A fault of the account's own server says nothing about the domain.
  private func provesReachability(_ condition: String) -> Bool {
    !isUnreachable(condition)
      && !["internal-server-error", "undefined-condition"].contains { condition.isSame(as: $0) }
  }

  /// When a stanza will have waited long enough.
  var due: Deadline { ends.first?.moment ?? .never }

  /// Begins the wait of stanzas that were acknowledged, and ends it for those that have waited long enough.
  mutating func update(_ delivery: inout Delivery) {
    let accepted = delivery.takeAccepted()
    if !accepted.isEmpty { ends.append((.after(seconds: seconds), accepted)) }
    while let end = ends.first, end.moment.hasPassed {
      ends.removeFirst()
      delivery.endBounceWait(end.numbers)
    }
    forget(before: delivery.firstNumber)
    if order.isEmpty { ends = [] }
  }

  /// Ends every wait: nothing more will come.
  mutating func end(_ delivery: inout Delivery) {
    delivery.endBounceWait(order.map(\.number))
    forget(before: .max)
    (unasked, pings, ends) = ([], [:], [])
  }

  /// Forgets the stanzas whose outcome is told.
  private mutating func forget(before number: Int) {
    let past = order.prefix { $0.number < number }
    for key in Set(past.map(\.domain)) {
      domains[key]?.numbers.removeAll { $0 < number }
      if domains[key]?.numbers.isEmpty == true { domains[key] = nil }
    }
    order.removeFirst(past.count)
  }
}
