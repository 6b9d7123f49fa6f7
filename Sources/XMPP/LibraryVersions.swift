/// The versions of the libraries in use, as they say themselves while the program runs.
public struct LibraryVersions: Sendable {
  /// The libraries' own names and their versions.
  public let all: [(name: String, version: String)]

  /// Those of this process.
  public static let current = LibraryVersions(all: [
    ("OpenSSL", TLSSession.libraryVersion), ("libxml2", TreeBuilder.libraryVersion),
    ("ICU", Preparation.libraryVersion), ("zlib", Compression.libraryVersion),
    ("c-ares", DNSChannel.libraryVersion),
  ])
}
