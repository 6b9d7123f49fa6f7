import TestSupport

@testable import XMPP
@testable import xmppctl

/// Stream features: what is read of them is the same when they were written and read again; the reports that tell of them
/// are JSON and lines that are harmless, and not out of proportion; no mechanism is chosen that is not offered and safe.
@Sendable func checkFeatures(_ input: [UInt8]) throws {
  let limits = Limits(elementBytes: 4096)
  for element in elements(input, limits).prefix(8) {
    let features = StreamFeatures(element)
    try hold(features.all.map(\.element) == Array(element.elements), "a feature is missing")
    try checkReport(features, limits)
    guard case .element(let again)? = read([Array(element.xml.utf8)[...]], inside: "", Limits()).events.first
    else {
      throw BrokenProperty(description: "features that were written cannot be read")
    }
    try hold(
      StreamFeatures(again).all.map(facts) == features.all.map(facts),
      "features that were written say something else")
    for sasl2 in [false, true] { try checkChoice(features.offer(sasl2: sasl2)) }
  }
}

/// All that is known of a feature, as bytes.
private func facts(_ feature: StreamFeature) -> [[UInt8]] {
  let own =
    [
      feature.name, feature.namespace, feature.title ?? "", feature.specification ?? "",
      "\(feature.required as Any)",
    ]
    + feature.values + feature.proprietary.flatMap { [$0.mechanism, $0.owner] }
  return own.map { Array($0.utf8) } + feature.inline.flatMap(facts)
}

private func checkReport(_ features: StreamFeatures, _ limits: Limits) throws {
  var report = Report(domain: "example.org")
  let root = Element("stream", Namespace.stream, ["id": "1", "version": "1.0"])
  report.stages = [StreamStage(kind: .tls, header: try StreamHeader(root: root), features: features)]
  let line = report.json(indented: false)
  try hold(isHarmlessLine(line), "the report is not one harmless line")
  // Each byte may become six in XML, and each of those two in JSON; features in features are told again.
  try hold(line.count < 100 * limits.elementBytes, "the report is out of proportion: \(line.count)")
  guard let json = StrictJSON(line) else { throw BrokenProperty(description: "the report is no JSON") }
  try hold(StrictJSON(report.json(indented: true)) == json, "the indented report says something else")
  let told = json["stages"]?.elements.first?["features"]?.elements.map { $0["name"]?.bytes }
  try hold(told == features.all.map { Array($0.name.utf8) }, "the report leaves a feature out")

  let text = ReportText(
    report: report, terminal: Terminal(isOutputTerminal: false, isErrorTerminal: false, colours: false))
  var shown: [UInt8] = []
  text.features { shown += $0 }
  text.xml { shown += $0 }
  for line in shown.split(separator: 0x0A) {
    try hold(isHarmless(line), "a line of the report is not harmless")
  }
}

/// Holds the choice of a mechanism to what is safe.
private func checkChoice(_ offer: SASLOffer) throws {
  for security in [MechanismChoice.Facts.Security.plaintext, .unverified, .verified] {
    let bindings: [ChannelBindingType] = security == .plaintext ? [] : [.tlsExporter, .tlsServerEndPoint]
    for previous in [nil, "SCRAM-SHA-256"] {
      let choice = MechanismChoice(
        from: offer, .init(security: security, channelBindings: bindings, previous: previous))
      guard let mechanism = choice.mechanism else { continue }
      try hold(
        offer.mechanisms.contains { $0.isSame(as: mechanism) }, "\(mechanism) is chosen and was not offered")
      try hold(
        !choice.skipped.contains { $0.mechanism.isSame(as: mechanism) }, "\(mechanism) is chosen and skipped")
      try hold(mechanism != "EXTERNAL" && mechanism != "ANONYMOUS", "\(mechanism) is chosen unasked")
      try hold(
        mechanism != "PLAIN" || security == .verified && previous == nil, "the password would be shown")
      if case .bound(let type) = choice.binding {
        try hold(bindings.contains(type) && mechanism.hasSuffix("-PLUS"), "bound by what there is not")
      } else {
        try hold(!mechanism.hasSuffix("-PLUS"), "-PLUS without a binding")
      }
    }
  }
}
