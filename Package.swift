// swift-tools-version: 6.2
import PackageDescription

/// One settings list for every target: Swift 6 mode with the features that keep imports and existentials visible.
let settings: [SwiftSetting] = {
  var settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ]
  if Context.environment["SWITCHBOARD_STRICT"] != nil { settings.append(.treatAllWarnings(as: .error)) }
  return settings
}()

/// The hot modules are optimised in debug builds too, so that tests may run millions of inputs.
let hot = settings + [.unsafeFlags(["-O", "-wmo", "-num-threads", "2"], .when(configuration: .debug))]

let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
]
let tls: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")

let package = Package(
  name: "switchboard",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "switchboard", targets: ["switchboard"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // C and system libraries.
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "COpus", pkgConfig: "opus", providers: [.apt(["libopus-dev"])]),
    .systemLibrary(name: "CSRTP", pkgConfig: "libsrtp2", providers: [.apt(["libsrtp2-dev"])]),
    .target(name: "CLinux"),

    // Pure modules: no clock, no socket, no file, no random source.
    .target(name: "Primitives", swiftSettings: hot),
    .target(name: "ACD", dependencies: ["Primitives"], swiftSettings: hot),
    .target(name: "Digest", dependencies: ["COpenSSL"], swiftSettings: settings),
    .target(name: "SIP", dependencies: ["Primitives", "Digest"], swiftSettings: hot),
    .target(name: "SDP", dependencies: ["Primitives"], swiftSettings: hot),
    .target(name: "CallControl", dependencies: ["ACD", "Primitives", "SIP", "SDP"], swiftSettings: settings),
    .target(
      name: "Media", dependencies: ["COpenSSL", "COpus", "Digest", "Primitives"], swiftSettings: hot),

    // Edges.
    .target(name: "API", swiftSettings: settings),
    .target(
      name: "SiteConfiguration",
      dependencies: [
        "ACD", "CallControl", "Digest", "Primitives", "SDP", "SIP", .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings),
    .target(
      name: "Journal",
      dependencies: [
        "ACD", "CallControl", "Primitives", "SIP", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ],
      swiftSettings: settings),
    .target(
      name: "Simulator", dependencies: ["ACD", "CallControl", "Primitives", "SiteConfiguration"], swiftSettings: hot),
    .target(
      name: "Drivers",
      dependencies: [
        "CallControl", "CLinux", "Digest", "Media", "Primitives", "SDP", "SIP",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOTLS", package: "swift-nio"), tls,
      ] + nio,
      swiftSettings: settings),
    .target(
      name: "Web",
      dependencies: [
        "ACD", "API", "CallControl", "Digest", "Primitives", "SDP", "SIP",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"), tls,
      ] + nio,
      resources: [.embedInCode("Widget")],
      swiftSettings: settings),
    .target(
      name: "Console",
      dependencies: [
        "API", .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      swiftSettings: settings),

    // The composition root and the command line.
    .target(
      name: "Service",
      dependencies: [
        "ACD", "API", "CallControl", "SiteConfiguration", "Digest", "Drivers", "Journal", "Media", "Primitives", "SDP",
        "SIP",
        "Web",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ] + nio,
      swiftSettings: settings),
    .executableTarget(
      name: "switchboard",
      dependencies: [
        "API", "Console", "Digest", "Journal", "Primitives", "SDP", "SIP", "Service", "Simulator", "SiteConfiguration",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        "ACD", "CallControl", "CSRTP", "Drivers", "Media", "Primitives", "SIP", "SDP", "Simulator", "SiteConfiguration",
        "TestPeers",
      ],
      path: "Benchmarks",
      exclude: ["Preload"],
      swiftSettings: settings),

    // Tests, and what several of them need.
    .target(
      name: "TestAuthority", dependencies: ["COpenSSL"], path: "Tests/TestAuthority", swiftSettings: settings),
    .target(
      name: "TestPeers", dependencies: ["Media", "Primitives", "SDP"], path: "Tests/TestPeers",
      swiftSettings: settings),
    .target(
      name: "TestBrowser",
      dependencies: [
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      path: "Tests/TestBrowser", swiftSettings: settings),
    .testTarget(
      name: "DriversTests",
      dependencies: [
        "CallControl", "Drivers", "Media", "Primitives", "SDP", "SIP", "TestAuthority", "TestPeers",
        .product(name: "Logging", package: "swift-log"), tls,
      ] + nio,
      swiftSettings: settings),
    .testTarget(
      name: "MediaTests", dependencies: ["CSRTP", "Digest", "Media", "Primitives", "TestPeers"],
      swiftSettings: settings),
    .testTarget(name: "PrimitivesTests", dependencies: ["Primitives"], swiftSettings: settings),
    .testTarget(name: "ACDTests", dependencies: ["ACD", "Primitives"], swiftSettings: hot),
    .testTarget(
      name: "SiteConfigurationTests",
      dependencies: [
        "ACD", "CallControl", "Digest", "Primitives", "SDP", "SIP", "SiteConfiguration", "TestAuthority",
      ],
      exclude: ["Vectors"], swiftSettings: settings),
    .testTarget(
      name: "SimulatorTests",
      dependencies: ["ACD", "CallControl", "Primitives", "Simulator", "SiteConfiguration"],
      exclude: ["Vectors"], swiftSettings: hot),
    .testTarget(name: "APITests", dependencies: ["API"], swiftSettings: settings),
    .testTarget(
      name: "WebTests",
      dependencies: [
        "ACD", "API", "CallControl", "Digest", "Primitives", "SDP", "SIP", "TestAuthority", "TestBrowser", "Web",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"), tls,
      ],
      exclude: ["Page", "Vectors"], swiftSettings: settings),
    .testTarget(name: "DigestTests", dependencies: ["Digest", "TestAuthority"], swiftSettings: settings),
    .testTarget(
      name: "SDPTests", dependencies: ["Primitives", "SDP"], exclude: ["Vectors"], swiftSettings: settings),
    .testTarget(
      name: "SIPTests", dependencies: ["Digest", "Primitives", "SIP"], exclude: ["Vectors"], swiftSettings: settings),
    .testTarget(
      name: "JournalTests",
      dependencies: [
        "ACD", "CallControl", "Journal", "Primitives", "SIP", .product(name: "GRDB", package: "GRDB.swift"),
      ],
      exclude: ["Vectors"], swiftSettings: settings),
    .testTarget(
      name: "CallControlTests", dependencies: ["ACD", "CallControl", "Primitives", "SDP", "SIP"],
      swiftSettings: settings),
    .testTarget(
      name: "WorldTests", dependencies: ["ACD", "CallControl", "Primitives", "SDP", "SIP"], swiftSettings: settings),
    .testTarget(
      name: "ServiceTests",
      dependencies: [
        "ACD", "API", "CallControl", "Journal", "Primitives", "SIP", "Service", "SiteConfiguration", "Web",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),
    .testTarget(name: "TidyTests", swiftSettings: settings),
    .testTarget(
      name: "EndToEndTests", dependencies: ["TestAuthority", "TestBrowser"], exclude: ["Scenarios"],
      swiftSettings: settings),
    .testTarget(name: "ConsoleTests", dependencies: ["API", "Console"], exclude: ["Vectors"], swiftSettings: settings),
  ]
)
