import Foundation
import Testing
import TestSupport

@testable import XMPP

/// What real servers offered, read and named.
@Suite struct CapturedFeaturesTests {
  /// The captures that begin with a stream header, by their names without `.xml`.
  private func captures() throws -> [(name: String, features: StreamFeatures)] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "Captures")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().filter { name in
      ["clear.xml", "tls.xml", "features.xml"].contains { name.hasSuffix($0) }
    }
    return try names.compactMap { name in
      guard let features = try Self.features(Array(Data(contentsOf: folder.appendingPathComponent(name))))
      else {
        return nil
      }
      return (String(name.dropLast(4)), features)
    }
  }

  private static func features(_ bytes: [UInt8]) throws -> StreamFeatures? {
    var parser = StreamParser()
    var used = 0
    while let event = try bytes.withUnsafeBytes({ try parser.next($0, &used) }) {
      if case .element(let element) = event, element.is("features", Namespace.stream) {
        return StreamFeatures(element)
      }
    }
    return nil
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
      ([capture.name] + lines(capture.features.all)).map { $0 + "\n" }.joined()
    }.joined(separator: "\n")
    let difference = Golden.difference(text, from: "features.txt")
    #expect(difference == nil, "\(difference ?? "")")
  }

  @Test func theCatalogueKnowsThemAll() throws {
    let captures = try captures()
    #expect(captures.count > 60)
    for capture in captures {
      #expect(!capture.features.all.isEmpty, "\(capture.name)")
      for feature in flattened(capture.features.all) {
        #expect(
          feature.title != nil && feature.specification != nil, "\(capture.name): \(feature.element.xml)")
      }
    }
  }
}
