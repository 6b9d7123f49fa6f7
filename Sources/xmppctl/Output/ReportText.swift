import XMPP

/// Reports as text for a person: results alone, everything a stranger chose escaped.
struct ReportText {
  let report: Report
  let terminal: Terminal

  /// What `connect` prints: each attempt, TLS and the certificate, and the time each part took as a small waterfall.
  var connect: String { lines((attempts + protection).map(terminal.folded) + waterfall) }

  /// What `features` prints: one block for each stream, one line for each feature; nothing where no stream was opened.
  ///
  /// - Parameter write: takes the lines in pieces, as a server may offer very many features.
  func features(_ write: ([UInt8]) -> Void) {
    guard !report.stages.isEmpty else { return }
    var lines: [UInt8] = []
    defer { write(lines) }
    func writeLine(_ line: String) {
      lines += terminal.folded(line).utf8
      lines.append(UInt8(ascii: "\n"))
      guard lines.count >= 64 << 10 else { return }
      write(lines)
      lines.removeAll(keepingCapacity: true)
    }
    writeLine(terminal.styled(report.domain.shown, .bold) + place)
    for stage in report.stages {
      writeLine("")
      writeLine(heading(stage))
      guard let features = stage.features else { continue }
      if features.all.isEmpty { writeLine("  no features") }
      writeLines(features.all, writeLine)
    }
  }

  /// What `features --xml` prints: the features elements as they came, one a line.
  func xml(_ write: ([UInt8]) -> Void) {
    for case let element? in report.stages.lazy.map({ $0.features?.element }) {
      var writer = XMLWriter(style: .line)
      writer.copy(element)
      writer.endLine()
      write(writer.bytes)
    }
  }

  private func lines(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

  private var place: String {
    guard let endpoint = report.endpoint else { return "" }
    return " at " + ReportText.place(endpoint, report.address)
  }

  private static func place(_ endpoint: Endpoint, _ address: String?) -> String {
    let host = endpoint.host.utf8.contains(UInt8(ascii: ":")) ? "[\(endpoint.host)]" : endpoint.host
    let known = address.flatMap { $0 == endpoint.host ? nil : " (\($0.shown))" } ?? ""
    return "\(host.shown):\(endpoint.port)\(known), \(method(endpoint.method))"
  }

  private static func method(_ method: Endpoint.Method) -> String {
    switch method {
    case .directTLS: "direct TLS"
    case .starttls: "STARTTLS"
    case .plain: "no TLS"
    }
  }
}

// MARK: - The way

extension ReportText {
  private var attempts: [String] {
    [terminal.styled(report.domain.shown, .bold)]
      + report.attempts.enumerated().flatMap { index, attempt in
        let endpoint = attempt.endpoint
        let order = endpoint.priority.map { " priority \($0) weight \(endpoint.weight ?? 0)" } ?? ""
        let verdict =
          attempt.failure.map { terminal.styled("failed", .red) + ": \($0.message.shown)" }
          ?? (isSettled ? terminal.styled("ok", .green) : "reached")
        let line =
          "  \(ReportText.place(endpoint, attempt.address)) [\(endpoint.source.rawValue)\(order)] \(verdict)"
        // Those of the last one are told at length.
        return [line] + (index < report.attempts.count - 1 ? brief(attempt) : [])
      }
  }

  /// TLS and the certificate of an endpoint that is not the one in use.
  private func brief(_ attempt: Attempt) -> [String] {
    guard let tls = attempt.tls else { return [] }
    let certificate = attempt.certificate.map {
      let trust = $0.verified ? "verified" : "not verified (\($0.reason?.shown ?? "unknown"))"
      return ", certificate \(trust)" + ($0.daysLeft < 0 ? "" : ", \(days($0))")
    }
    return ["    \(tls.version.shown)\(certificate ?? "")"]
  }

  private var isSettled: Bool { report.failure == nil }

  private var protection: [String] {
    guard let tls = report.tls else { return [] }
    var lines = ["", "TLS          " + tlsSummary(tls)]
    guard let certificate = report.certificate else { return lines }
    lines.append("certificate  " + verdict(certificate))
    lines.append(
      "  names      "
        + certificate.names.map { "\($0.kind.rawValue):\($0.value)".shown }.joined(separator: " "))
    lines.append("  subject    " + certificate.leaf.subject.shown)
    lines.append("  issuer     " + certificate.leaf.issuer.shown)
    let until = Timestamp.text(seconds: certificate.leaf.notAfter)
    lines.append(
      "  valid      \(Timestamp.text(seconds: certificate.leaf.notBefore)) to \(until) (\(days(certificate)))"
    )
    lines.append("  pin        sha256//" + certificate.spkiSHA256)
    return lines
  }

  private func tlsSummary(_ tls: TLSDescription) -> String {
    ([tls.version, tls.cipher, tls.group] + [tls.alpn.map { "ALPN \($0)" }]).compactMap { $0?.shown }
      .joined(separator: ", ")
  }

  private func verdict(_ certificate: CertificateDescription) -> String {
    if certificate.verified {
      return terminal.styled("verified", .green) + " for \(certificate.reference.shown)"
        + (certificate.matched.map { " by \($0.shown)" } ?? "")
    }
    return terminal.styled("not verified", .red) + " for \(certificate.reference.shown)"
      + (certificate.message.map { ": \($0.shown)" } ?? "")
  }

  private func days(_ certificate: CertificateDescription) -> String {
    let days = certificate.daysLeft
    let left = days < 0 ? "expired" : days == 1 ? "1 day left" : "\(days) days left"
    return left + (certificate.expiresFirst.map { ", \($0.shown) expires first" } ?? "")
  }

  /// One line for each part: its name, its time, and a bar that begins where the one before ended. The bars are 40 columns
  /// wide, or what the terminal has.
  private var waterfall: [String] {
    let parts = Timings.Part.allCases.filter { $0 != .total }.compactMap { part in
      report.timings[part].map { (part, $0) }
    }
    let whole = max(parts.reduce(0) { $0 + $1.1 }, 0.001)
    let width = Double(max(0, min(40, (terminal.columns ?? 80) - 25)))
    var lines = [""]
    var start = 0.0
    for (part, milliseconds) in parts {
      let from = Int(start / whole * width)
      let to = max(from + 1, Int((start + milliseconds) / whole * width))
      let bar = String(repeating: " ", count: from) + String(repeating: "=", count: to - from)
      lines.append(line(part, milliseconds) + "  " + terminal.styled(bar, .dim))
      start += milliseconds
    }
    if let total = report.timings[.total] { lines.append(line(.total, total)) }
    return lines
  }

  private func line(_ part: Timings.Part, _ milliseconds: Double) -> String {
    let tenths = Int((milliseconds * 10).rounded())
    return part.rawValue.padded(to: 10) + "\(tenths / 10).\(tenths % 10) ms".padded(left: 12)
  }
}

// MARK: - Features

extension ReportText {
  private func writeLines(_ features: [StreamFeature], _ writeLine: (String) -> Void) {
    var (width, specification) = (0, 0)
    for feature in features {
      rows(feature, indent: "  ") { row in
        width = max(width, row.title.unicodeScalars.count)
        specification = max(specification, row.specification.unicodeScalars.count)
      }
    }
    // A long one pads none of the others.
    width = min(width, 80)
    for feature in features {
      rows(feature, indent: "  ") { row in
        let line =
          row.title.padded(to: width) + "  " + row.specification.padded(to: specification) + "  "
          + row.details
        writeLine(line.withoutTrailingSpaces)
      }
    }
  }

  private func heading(_ stage: StreamStage) -> String {
    let secured = report.stages.contains { $0.kind == .tls }
    let title =
      switch stage.kind {
      case .plain:
        secured || report.endpoint?.method == .starttls ? "before TLS (not authenticated)" : "without TLS"
      case .tls: "after TLS" + (report.tls.map { " (\($0.version.shown))" } ?? "")
      case .authenticated: "after login"
      case .compressed: "compressed"
      }
    return terminal.styled(title, .bold)
  }

  private typealias Row = (title: String, specification: String, details: String)

  /// The row of a feature, then those of the features it holds.
  private func rows(_ feature: StreamFeature, indent: String, _ take: (Row) -> Void) {
    let title = feature.title ?? "{\(feature.namespace.cut)}\(feature.name.cut)"
    let owners = Dictionary(feature.proprietary.map { ($0.mechanism, $0.owner) }) { first, _ in first }
    let values = feature.values.map { value in
      value.cut.shown + (owners[value].map { " (proprietary: \($0))" } ?? "")
    }
    let state = feature.required.map { $0 ? ["required"] : ["optional"] } ?? []
    let unknown = feature.title == nil ? [feature.element.line.cut] : []
    take(
      (
        indent + title.cut.shown, feature.specification ?? "unknown",
        (state + values + unknown).joined(separator: " ")
      ))
    for inner in feature.inline { rows(inner, indent: indent + "  ", take) }
  }
}

extension Element {
  /// The XML on one line and harmless to a terminal.
  fileprivate var line: String {
    var writer = XMLWriter(style: .line)
    writer.copy(self)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

extension String {
  /// The text as far as a person reads it; the rest is in the JSON and XML of the report.
  fileprivate var cut: String { shortened(to: 2048) }
}
