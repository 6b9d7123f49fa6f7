import CLinux
import Glibc
import XMPP

/// Which release this is, and of what.
enum Version {
  /// The release.
  static let number = "0.1.0"

  /// What `--version` says: name, release and commit, and the libraries in use.
  static let report: String = {
    let libraries = LibraryVersions.current.all.map { "\($0.name) \($0.version)" }
    return "xmppctl \(number)\(buildID.flatMap(commit(in:)).map { ", commit \($0)" } ?? "")\n"
      + libraries.joined(separator: ", ")
  }()

  /// The commit in a build ID as `scripts/build-release.sh` has the linker write it: four bytes that say whether the tree
  /// was modified, then the commit. The ID is no part of the code, so that a commit compiles nothing anew.
  ///
  /// - Returns: `nil` for an ID of any other kind.
  static func commit(in buildID: [UInt8]) -> String? {
    guard [24, 36].contains(buildID.count), buildID.starts(with: [0, 0, 0]), buildID[3] <= 1 else {
      return nil
    }
    let digits = buildID.dropFirst(4).prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    return digits.joined() + (buildID[3] == 1 ? ", modified" : "")
  }

  /// The build ID of the running executable: a note in it, which the kernel says where to find.
  private static var buildID: [UInt8]? {
    guard let table = UnsafePointer<program_header>(bitPattern: getauxval(UInt(AT_PHDR))) else { return nil }
    let headers = UnsafeBufferPointer(start: table, count: Int(getauxval(UInt(AT_PHNUM))))
    guard let own = headers.first(where: { $0.p_type == PT_PHDR }) else { return nil }
    let base = UInt(bitPattern: table) &- UInt(own.p_vaddr)
    for header in headers where header.p_type == PT_NOTE {
      let start = UnsafeRawPointer(bitPattern: base &+ UInt(header.p_vaddr))
      var notes = UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(header.p_memsz))[...]
      while notes.count >= MemoryLayout<note_header>.size {
        let note = UnsafeRawBufferPointer(rebasing: notes).loadUnaligned(as: note_header.self)
        // Name and content are each filled up to a multiple of four bytes.
        let content = MemoryLayout<note_header>.size + (Int(note.n_namesz) + 3) & ~3
        let end = content + (Int(note.n_descsz) + 3) & ~3
        guard end <= notes.count else { break }
        if note.n_type == NT_GNU_BUILD_ID, note.n_namesz == 4 {
          return Array(notes.dropFirst(content).prefix(Int(note.n_descsz)))
        }
        notes = notes.dropFirst(end)
      }
    }
    return nil
  }
}
