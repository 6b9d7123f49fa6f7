import Foundation

/// Texts that were looked at once and must stay as they are, in the folder `Golden` beside the test that names them.
///
/// With the variable `UPDATE_GOLDEN` set, a text that differs is written there, and the test still fails: look at the
/// change before it is committed.
public enum Golden {
  /// The first line in which a text differs from the one kept, with both; `nil` where there is none.
  public static func difference(_ text: String, from name: String, beside test: String = #filePath) -> String?
  {
    let file = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent("Golden/\(name)")
    let kept = try? String(contentsOf: file, encoding: .utf8)
    if let kept, kept.utf8.elementsEqual(text.utf8) { return nil }
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      do { try text.write(to: file, atomically: true, encoding: .utf8) } catch {
        return "\(file.path): \(error)"
      }
    }
    guard let kept else { return "\(file.path) is not there" }
    let old = kept.components(separatedBy: "\n")
    let new = text.components(separatedBy: "\n")
    let line =
      zip(old, new).enumerated().first { !$1.0.utf8.elementsEqual($1.1.utf8) }?.offset
      ?? min(old.count, new.count)
    let shown = { (lines: [String]) in lines.indices.contains(line) ? lines[line] : "nothing" }
    return "\(name), line \(line + 1): kept is “\(shown(old))”, but it is “\(shown(new))”"
  }
}
