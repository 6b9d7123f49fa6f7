import Foundation
import Testing

/// The corpus of the fuzz targets, given to them without libFuzzer: what was found once is not found again.
@Suite struct CorpusTests {
  private static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appending(path: "Corpus")

  /// The inputs of a target by their names.
  private func inputs(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    let folder = CorpusTests.corpus.appending(path: target.name)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
      ($0, Array(try Data(contentsOf: folder.appending(path: $0))))
    }
  }

  @Test("every input of the corpus holds", arguments: FuzzTarget.all.map(\.name))
  func holds(name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let inputs = try inputs(target)
    #expect(!inputs.isEmpty)
    for input in inputs {
      #expect(throws: Never.self, "\(name)/\(input.name)") { try target.check(input.bytes) }
    }
  }

  @Test func everyFolderOfTheCorpusHasItsTarget() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: CorpusTests.corpus.path)
    #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
  }
}
