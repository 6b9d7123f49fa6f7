import Glibc

/// What was learnt on the way to an endpoint, whether it was reached or not.
public struct DialRecord: Sendable, Equatable {
  /// One address that was tried.
  public struct Tried: Sendable, Equatable {
    /// The address, without the port.
    public var address: String
    /// Milliseconds until it answered, failed, or was given up.
    public var milliseconds: Double
    /// Why not; `nil` for the one that won, and for those given up when it did.
    public var error: Failure?
  }

  /// Milliseconds spent to resolve the host's name.
  public var dns: Double?
  /// Milliseconds from the first connection begun until one stood, with a proxy until it reached the endpoint.
  public var tcp: Double?
  /// The address of the endpoint the connection goes to; unknown with a proxy.
  public var address: String?
  /// The addresses tried, in the order they were begun; with a proxy, those of the proxy.
  public var tried: [Tried] = []

  /// Nothing yet.
  public init() {}
}

/// Opens a TCP connection to one endpoint.
public struct Dialer: Sendable {
  /// The pause before the next address is tried beside those that have not answered (RFC 8305 §5).
  static let stagger = 0.25

  private let resolver: Resolver

  /// - Parameter resolver: where to ask for addresses.
  public init(resolver: Resolver) { self.resolver = resolver }

  /// Resolves the endpoint's host and connects to the first of its addresses that answers (RFC 8305), or has the proxy do
  /// both.
  ///
  /// - Parameters:
  ///   - moment: when to give up this endpoint.
  ///   - record: what is learnt, filled on failure too.
  /// - Throws: what `Resolver.addresses` throws; `connection-refused` and its like, `connect-timeout` (status 69), naming
  ///   every address; what `Proxy.connect` throws.
  public func connect(
    to endpoint: Endpoint, through proxy: Proxy? = nil, waiter: Waiter, until moment: Deadline,
    record: inout DialRecord
  ) throws(Failure) -> Socket {
    guard let proxy else {
      let addresses = try resolve(endpoint.host, endpoint.source, waiter, moment, &record)
      return try connect(to: endpoint, at: addresses, waiter: waiter, until: moment, record: &record)
    }
    let began = Deadline.now
    let socket: Socket
    do throws(Failure) {
      let addresses = try resolve(proxy.host, .option, waiter, moment, &record)
      socket = try race(proxy.host, proxy.port, addresses, waiter, moment, &record)
    } catch {
      throw error.ofProxy(proxy)
    }
    record.address = nil
    do throws(Failure) {
      try proxy.connect(socket, to: endpoint.host, port: endpoint.port, waiter: waiter, until: moment)
    } catch {
      var failure = error
      if failure.stage == .proxy { failure.hint = failure.hint ?? proxy.hint }
      throw failure
    }
    record.tcp = Deadline.now.milliseconds(since: began) - (record.dns ?? 0)
    return socket
  }

  /// Connects to the first of these addresses that answers; for one of them alone, give it alone.
  ///
  /// - Throws: `connection-refused` and its like, `connect-timeout` (status 69); what `Waiter.wait` throws.
  public func connect(
    to endpoint: Endpoint, at addresses: [IPAddress], waiter: Waiter, until moment: Deadline,
    record: inout DialRecord
  ) throws(Failure) -> Socket {
    try race(endpoint.host, endpoint.port, addresses, waiter, moment, &record)
  }

  /// The order to try addresses in: the families take turns, IPv6 first (RFC 8305 §4).
  static func interleaved(_ addresses: [IPAddress]) -> [IPAddress] {
    let v6 = addresses.filter { $0.family == .v6 }
    let v4 = addresses.filter { $0.family == .v4 }
    let both = min(v6.count, v4.count)
    return zip(v6, v4).flatMap { [$0, $1] } + v6.dropFirst(both) + v4.dropFirst(both)
  }

  private func resolve(
    _ host: String, _ source: Endpoint.Source, _ waiter: Waiter, _ moment: Deadline,
    _ record: inout DialRecord
  ) throws(Failure) -> [IPAddress] {
    let began = Deadline.now
    defer { record.dns = Deadline.now.milliseconds(since: began) }
    return try resolver.addresses(of: host, from: source, waiter: waiter, until: moment)
  }

  private func race(
    _ host: String, _ port: UInt16, _ addresses: [IPAddress], _ waiter: Waiter, _ moment: Deadline,
    _ record: inout DialRecord
  ) throws(Failure) -> Socket {
    var race = Race(port: port, waiting: Dialer.interleaved(addresses)[...])
    let began = Deadline.now
    defer {
      race.stopClocks()
      record.tcp = Deadline.now.milliseconds(since: began)
      record.tried += race.runners.map(\.tried)
    }
    while !moment.hasPassed {
      race.startNext()
      guard let next = race.nextStart else { throw Race.failure(host, port, race.runners.map(\.tried)) }
      var descriptors = race.descriptors
      _ = try waiter.wait(
        for: &descriptors, until: min(next, moment), doing: "connecting to \(host) port \(port)")
      if let (socket, address) = race.winner(descriptors) {
        record.address = address
        return socket
      }
    }
    race.giveUp()
    throw Race.failure(host, port, race.runners.map(\.tried))
  }
}

/// Connections begun one after the other, the first that stands wins.
private struct Race {
  struct Runner {
    let began: Deadline
    var socket: Socket?
    var tried: DialRecord.Tried
  }

  let port: UInt16
  var waiting: ArraySlice<IPAddress>
  var runners: [Runner] = []
  private var due = Deadline.now

  init(port: UInt16, waiting: ArraySlice<IPAddress>) {
    self.port = port
    self.waiting = waiting
  }

  /// Begins the next connection when it is due, and on when it fails at once.
  mutating func startNext() {
    while due <= .now || !runners.contains(where: { $0.socket != nil }), let address = waiting.popFirst() {
      let began = Deadline.now
      var runner = Runner(
        began: began, socket: nil, tried: DialRecord.Tried(address: address.text, milliseconds: 0))
      do throws(Failure) {
        let socket = try Socket(address.family)
        try socket.connect(to: address, port: port)
        runner.socket = socket
        due = .after(seconds: Dialer.stagger)
      } catch {
        runner.tried.error = error
      }
      runners.append(runner)
    }
  }

  /// When to begin the next one; never when all are on their way; `nil` when there is nothing left to wait for.
  var nextStart: Deadline? {
    guard runners.contains(where: { $0.socket != nil }) else { return nil }
    return waiting.isEmpty ? .never : due
  }

  /// One for each runner; poll passes over those without a socket.
  var descriptors: [pollfd] {
    runners.map { pollfd(fd: $0.socket?.descriptor ?? -1, events: Int16(POLLOUT), revents: 0) }
  }

  /// The first connection that stands. One that failed makes the next one due.
  mutating func winner(_ descriptors: [pollfd]) -> (socket: Socket, address: String)? {
    for (index, descriptor) in zip(runners.indices, descriptors) where descriptor.revents != 0 {
      guard let socket = runners[index].socket else { continue }
      runners[index].tried.milliseconds = Deadline.now.milliseconds(since: runners[index].began)
      do throws(Failure) {
        try socket.connectionResult()
        return (socket, runners[index].tried.address)
      } catch {
        runners[index].tried.error = error
        runners[index].socket = nil
        due = .now
      }
    }
    return nil
  }

  /// Stops the clock of those that neither won nor failed.
  mutating func stopClocks() {
    for index in runners.indices where runners[index].tried.milliseconds == 0 {
      runners[index].tried.milliseconds = Deadline.now.milliseconds(since: runners[index].began)
    }
  }

  /// Marks those still on their way as too slow.
  mutating func giveUp() {
    for index in runners.indices where runners[index].socket != nil {
      runners[index].tried.error = Failure(
        .tcp, "connect-timeout", "no answer in time", status: .noConnection)
      runners[index].socket = nil
    }
  }

  /// One failure for all: its condition is the first that says more than that the machine has no way there.
  static func failure(_ host: String, _ port: UInt16, _ tried: [DialRecord.Tried]) -> Failure {
    let errors = tried.compactMap(\.error)
    let mute = ["network-unreachable", "address-not-available", "family-not-supported"]
    let telling = errors.first { !mute.contains($0.condition) } ?? errors.first
    let condition = telling?.condition ?? "connect-timeout"
    var places = tried.prefix(8).map { "\($0.address): \($0.error?.message ?? "given up")" }
    if tried.count > 8 { places.append("and \(tried.count - 8) more") }
    let hint: String? =
      switch condition {
      case "connection-refused": "nothing listens there; another place can be given with --connect-to"
      case "connect-timeout": "a firewall may drop it; allow more with --connect-timeout"
      default: nil
      }
    let why = places.isEmpty ? "no time left" : places.joined(separator: "; ")
    return Failure(
      .tcp, condition, "no connection to \(host) port \(port) (\(why))", hint: hint, status: .noConnection)
  }
}

extension Failure {
  /// The same on the way to the proxy.
  fileprivate func ofProxy(_ proxy: Proxy) -> Failure {
    guard stage != .timeout, status != .internalError else { return self }
    var failure = self
    failure.stage = .proxy
    failure.message = "\(proxy.label) cannot be reached: \(message)"
    failure.hint = proxy.hint ?? "check the host and the port of the proxy"
    return failure
  }
}
