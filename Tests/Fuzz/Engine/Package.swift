// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the ordinary build does not pay for it: all sources once more, instrumented for libFuzzer
// (see ../fuzz.sh). `Sources` and `Fuzz/Targets` are links to the real ones.
let package = Package(
  name: "fuzz",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
    .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0"),
    .systemLibrary(name: "CICU", pkgConfig: "icu-uc"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
    .systemLibrary(name: "CCares", pkgConfig: "libcares"),
    .systemLibrary(name: "CLinux"),
    .target(
      name: "XMPP",
      dependencies: ["COpenSSL", "CLibXML2", "CICU", "CZlib", "CCares", "CLinux"]),
    // A library here, without its main program.
    .target(
      name: "xmppctl",
      dependencies: ["XMPP", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      exclude: ["XMPPCtl.swift"]),
    .target(name: "TestSupport", dependencies: ["XMPP"], path: "TestSupport"),
    .executableTarget(
      name: "Fuzz", dependencies: ["XMPP", "xmppctl", "COpenSSL", "CLibXML2", "TestSupport"], path: "Fuzz"),
  ],
  swiftLanguageModes: [.v6]
)
