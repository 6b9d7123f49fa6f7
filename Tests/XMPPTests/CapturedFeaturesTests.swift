import Foundation
import Testing
import TestSupport

@testable import XMPP

/// What real servers offered, read and named.
@Suite struct CapturedFeaturesTests {
  /// A server's first answer on a stream.
  private enum Answer {
    case features(StreamFeatures)
    case error(StreamError)
  }

  /// The captures that begin with a stream header, by their names without `.xml`.
  private func captures() throws -> [(name: String, answer: Answer)] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "Captures")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().filter { name in
      ["clear.xml", "tls.xml", "features.xml"].contains { name.hasSuffix($0) }
    }
    return try names.map { name in
      let bytes = Array(try Data(contentsOf: folder.appendingPathComponent(name)))
      return (String(name.dropLast(4)), try Self.answer(bytes))
    }
  }

  /// Reads a header that holds, and what follows it.
  private static func answer(_ bytes: [UInt8]) throws -> Answer {
    var parser = StreamParser()
    var used = 0
    let next = { try bytes.withUnsafeBytes { try parser.next($0, &used) } }
    guard case .header(let root) = try next() else { throw SupportFailure("no header") }
    let header = try StreamHeader(root: root)
    try header.check(domain: try JID(parsing: try #require(header.from)))
    guard case .element(let element) = try next() else { throw SupportFailure("no element") }
    if element.is("error", Namespace.stream) { return .error(StreamError(element)) }
    guard element.is("features", Namespace.stream) else { throw SupportFailure("<\(element.name)>") }
    return .features(StreamFeatures(element))
  }

  private func lines(_ answer: Answer) -> [String] {
    switch answer {
    case .features(let features): lines(features.all)
    case .error(let error): ["  stream error \(error.condition)" + (error.text.map { ": \($0)" } ?? "")]
    }
  }

  private func lines(_ features: [StreamFeature], indent: String = "  ") -> [String] {
    features.flatMap { feature -> [String] in
      let state = feature.required.map { $0 ? ", required" : ", optional" } ?? ""
      let owners = feature.proprietary.map { " [\($0.mechanism): \($0.owner)]" }.joined()
      let values = feature.values.isEmpty ? "" : ": " + feature.values.joined(separator: " ")
      let title = "\(feature.title ?? "?"), \(feature.specification ?? "?")\(state)"
      return ["\(indent){\(feature.namespace)}\(feature.name) = \(title)\(values)\(owners)"]
        + lines(feature.inline, indent: indent + "  ")
    }
  }

  private func flattened(_ features: [StreamFeature]) -> [StreamFeature] {
    features.flatMap { [$0] + flattened($0.inline) }
  }

  @Test func everyFeatureIsReadAndNamed() throws {
    let text = try captures().map { capture in
      ([capture.name] + lines(capture.answer)).map { $0 + "\n" }.joined()
    }.joined(separator: "\n")
    let difference = Golden.difference(text, from: "features.txt")
    #expect(difference == nil, "\(difference ?? "")")
  }

  @Test("features in features are told two levels deep and more, but not as deep as a server likes")
  func featuresInFeatures() {
    func nested(_ levels: Int) -> Element {
      (0..<levels).reduce(Element("f", "urn:f")) { inner, _ in
        Element("f", "urn:f", [Element("inline", "urn:f", [inner])])
      }
    }
    func depth(_ feature: StreamFeature) -> Int { feature.inline.map { depth($0) + 1 }.max() ?? 0 }
    #expect(depth(StreamFeature(nested(2))) == 2)
    #expect(depth(StreamFeature(nested(100))) == 3)
  }

  @Test func theCatalogueKnowsThemAll() throws {
    let captures = try captures()
    #expect(captures.count > 60)
    for capture in captures {
      guard case .features(let features) = capture.answer else { continue }
      #expect(!features.all.isEmpty, "\(capture.name)")
      for feature in flattened(features.all) {
        #expect(
          feature.title != nil && feature.specification != nil, "\(capture.name): \(feature.element.xml)")
      }
    }
  }
}
