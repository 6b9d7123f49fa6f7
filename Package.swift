// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
/// Every symbol is bound before the first instruction of ours, so that the table of their addresses is read-only (full
/// RELRO): a write to a wrong place cannot turn a call into another one.
let bound: LinkerSetting = .unsafeFlags(
  ["-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now"], .when(platforms: [.linux]))
/// A megabyte and a half less of memory: 40,000 relocations as a bit map, by the toolchain's own linker, and no table of
/// symbols that nobody asks for.
let small: [LinkerSetting] = [
  .unsafeFlags(
    ["-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-Xlinker", "--no-export-dynamic"],
    .when(platforms: [.linux], configuration: .release))
]

let package = Package(
  name: "xmppctl",
  products: [
    .executable(name: "xmppctl", targets: ["xmppctl"]),
    .library(name: "XMPP", targets: ["XMPP"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
  ],
  targets: [
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
    .systemLibrary(name: "CICU", pkgConfig: "icu-uc", providers: [.apt(["libicu-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCares", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
    .systemLibrary(name: "CLinux"),
    .target(
      name: "XMPP",
      dependencies: ["COpenSSL", "CLibXML2", "CICU", "CZlib", "CCares", "CLinux"],
      swiftSettings: strict),
    .executableTarget(
      name: "xmppctl",
      dependencies: [
        "XMPP",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict,
      linkerSettings: small + [bound]),
    .target(
      name: "TestSupport",
      dependencies: ["XMPP", "CLinux", "COpenSSL", "CZlib"],
      path: "Tests/TestSupport",
      swiftSettings: strict),
    .testTarget(
      name: "XMPPTests",
      dependencies: ["XMPP", "TestSupport"],
      resources: [.copy("Transcripts"), .copy("Captures"), .copy("Golden")],
      swiftSettings: strict),
    .testTarget(
      name: "xmppctlTests",
      dependencies: ["xmppctl", "XMPP", "TestSupport"],
      resources: [.copy("Golden")],
      swiftSettings: strict),
    .testTarget(
      name: "FuzzTests",
      dependencies: ["xmppctl", "XMPP", "TestSupport", "COpenSSL", "CLibXML2"],
      path: "Tests/Fuzz",
      exclude: ["Corpus", "Engine", "fuzz.sh", "jid.dict", "json.dict", "xml.dict"],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
