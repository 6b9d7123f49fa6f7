/// What the domain name system says about one service name.
enum ServiceAnswer: Sendable {
  /// At least one SRV record.
  case records([ServiceRecord])
  /// The name does not exist, or has no SRV record.
  case none
  /// The name server refuses the question, or does not know its type: some forwarders answer for addresses alone.
  case unsupported(Failure)
  /// Nobody knows: the name server failed or kept silent.
  case failed(Failure)

  /// Whether it is no answer.
  var isFailure: Bool {
    switch self {
    case .failed, .unsupported: true
    case .records, .none: false
    }
  }
}

/// An SRV record (RFC 2782).
struct ServiceRecord: Sendable, Hashable {
  var priority: UInt16
  var weight: UInt16
  var port: UInt16
  /// The host; `.` says that the service is decidedly not available.
  var target: String
}

/// Which endpoints of a domain to try, and in which order. No I/O: what the name servers said comes in, a list comes out.
struct EndpointPlan {
  /// The maximum number of endpoints, so that a domain cannot decide how long a run tries and how much its report keeps.
  static let maximumCount = 256

  let domain: String
  let service: XMPPService
  let tls: TLSMode

  /// The methods the mode allows, each of which has an SRV name of its own.
  var methods: [Endpoint.Method] {
    switch tls {
    case .auto: [.directTLS, .starttls]
    case .direct: [.directTLS]
    case .starttls: [.starttls]
    case .none: [.plain]
    }
  }

  /// The SRV name for a method (RFC 6120 §3.2.1, XEP-0368 §2).
  func serviceName(_ method: Endpoint.Method) -> String { "_\(service.label(method))._tcp.\(domain)" }

  /// The domain itself and the default port (RFC 6120 §3.2.2); with `--tls auto` that is STARTTLS.
  var fallback: Endpoint {
    let method = methods.contains(.starttls) ? Endpoint.Method.starttls : methods[0]
    return Endpoint(host: domain, port: service.defaultPort(method), method: method, source: .fallback)
  }

  /// The endpoints to try, in order.
  ///
  /// The records of both SRV names form one list by priority and weight (XEP-0368 §3). Where no name has a record, the
  /// domain itself is tried. Once a record exists it is not, even when every target fails (RFC 6120 §3.2.1, step 8).
  ///
  /// A lookup that failed is not an answer of "none". If the other name has targets they are used; otherwise the failure
  /// stands. RFC 6120 §3.2.1 (step 9) says that a client without a response SHOULD try the domain itself. This is done if
  /// that needs no DNS, because the hosts file has the domain, and if the name server answers, but not this type of question.
  /// In an outage of DNS it would be a guess that needs DNS too.
  ///
  /// - Parameters:
  ///   - answers: what was said for each of `methods`.
  ///   - isKnown: whether the hosts file has the domain.
  /// - Throws: `not-offered` (status 68) where `.` is all that is said; the failure of a lookup.
  func endpoints(
    _ answers: [(method: Endpoint.Method, answer: ServiceAnswer)], isKnown: Bool = false,
    using random: inout some RandomNumberGenerator
  ) throws(Failure) -> [Endpoint] {
    var found: [Endpoint] = []
    var failure: Failure?
    var unsupported: Failure?
    var denied = false
    for (method, answer) in answers {
      switch answer {
      case .none: continue
      case .failed(let cause): failure = failure ?? cause
      case .unsupported(let cause): unsupported = unsupported ?? cause
      case .records(let records):
        denied = true
        found += records.filter { $0.target != "." && $0.port != 0 }.map {
          Endpoint(
            host: $0.target, port: $0.port, method: method, source: .srv, priority: $0.priority,
            weight: $0.weight)
        }
      }
    }
    guard found.isEmpty else {
      return Array(EndpointPlan.ordered(found, using: &random).prefix(EndpointPlan.maximumCount))
    }
    if let failure, !isKnown || denied { throw failure }
    if denied {
      if let unsupported { throw unsupported }
      let names = answers.map { serviceName($0.method) }.joined(separator: " and ")
      throw Failure(
        .dns, "not-offered", "\(domain) says that it does not offer this service (no target in \(names))",
        hint: tls == .auto ? nil : "try --tls auto", status: .noHost)
    }
    return [fallback]
  }

  /// The order of RFC 2782: by priority, and among equals by chance in the ratio of their weights. Of endpoints that name
  /// the same place the first stays.
  static func ordered(
    _ endpoints: [Endpoint], using random: inout some RandomNumberGenerator
  ) -> [Endpoint] {
    let groups = Dictionary(grouping: endpoints) { $0.priority ?? 0 }
    var result: [Endpoint] = []
    var seen: Set<Endpoint> = []
    for (_, group) in groups.sorted(by: { $0.key < $1.key }) {
      for endpoint in weighted(group, using: &random) {
        var place = endpoint
        (place.priority, place.weight) = (nil, nil)
        if seen.insert(place).inserted { result.append(endpoint) }
      }
    }
    return result
  }

  /// One priority's endpoints in the order they are drawn. Those of weight 0 stand at the beginning, where they are drawn
  /// only by the number 0; shuffled first, so that equals share the load.
  private static func weighted(
    _ group: [Endpoint], using random: inout some RandomNumberGenerator
  ) -> [Endpoint] {
    let shuffled = group.shuffled(using: &random)
    var left = shuffled.filter { $0.weight ?? 0 == 0 } + shuffled.filter { $0.weight ?? 0 != 0 }
    var total = left.reduce(0) { $0 + Int($1.weight ?? 0) }
    var drawn: [Endpoint] = []
    while !left.isEmpty {
      let number = Int.random(in: 0...total, using: &random)
      var sum = 0
      let index = left.firstIndex {
        sum += Int($0.weight ?? 0)
        return sum >= number
      }
      let endpoint = left.remove(at: index ?? 0)
      total -= Int(endpoint.weight ?? 0)
      drawn.append(endpoint)
    }
    return drawn
  }
}
