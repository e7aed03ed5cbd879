// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
/// The store's cursors live no longer than their snapshot, and the compiler checks it.
let storeSettings = settings + [.enableExperimentalFeature("Lifetimes")]
/// The targets where unsafe code may live: every use needs the word `unsafe`.
let unsafeSettings = settings + [.strictMemorySafety(), .enableExperimentalFeature("Lifetimes")]

let package = Package(
    name: "settle",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(name: "Settle", targets: ["Settle"]),
        .library(name: "SettleReplication", targets: ["SettleReplication"]),
        .library(name: "SettleServer", targets: ["SettleServer"]),
        .library(name: "SettleJavaScript", targets: ["SettleJavaScript"]),
        .executable(name: "settle", targets: ["SettleCLI"]),
    ],
    traits: [
        .default(enabledTraits: ["JavaScript"]),
        .trait(name: "JavaScript", description: "Runs design documents' functions on JavaScriptCore."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CLMDB",
            pkgConfig: "lmdb",
            providers: [.apt(["liblmdb-dev"]), .brew(["lmdb"])]
        ),
        .systemLibrary(
            name: "CZlib",
            pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]
        ),
        .systemLibrary(
            name: "CICU",
            pkgConfig: "icu-i18n",
            providers: [.apt(["libicu-dev"]), .brew(["icu4c"])]
        ),
        .systemLibrary(
            name: "CJavaScriptCore",
            pkgConfig: "javascriptcoregtk-4.1",
            providers: [.apt(["libjavascriptcoregtk-4.1-dev"])]
        ),
        .target(
            name: "SettleCore",
            dependencies: [.product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings
        ),
        .target(name: "SettleCollation", dependencies: ["SettleCore", "CICU"], swiftSettings: settings),
        .target(
            name: "SettleJavaScript",
            dependencies: [
                "SettleCore", .target(name: "CJavaScriptCore", condition: .when(traits: ["JavaScript"])),
            ],
            swiftSettings: unsafeSettings
        ),
        .target(name: "SettleStorage", dependencies: ["CLMDB", "CZlib"], swiftSettings: unsafeSettings),
        .target(
            name: "Settle",
            dependencies: [
                "SettleCore", "SettleStorage", "SettleCollation",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: storeSettings
        ),
        .target(
            name: "SettleReplication",
            dependencies: [
                "SettleCore", "Settle",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "SettleServer",
            dependencies: [
                "SettleCore", "Settle", "SettleReplication",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "SettleCLI",
            dependencies: [
                "SettleCore", "Settle", "SettleReplication", "SettleServer", "SettleJavaScript",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "SettleTestSupport",
            dependencies: [
                "SettleCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Tests/SettleTestSupport",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "SettleBenchmarks",
            dependencies: [
                "Settle", "SettleCore", "SettleCollation", "SettleJavaScript", "SettleTestSupport",
            ],
            path: "Tests/SettleBenchmarks",
            swiftSettings: settings
        ),
        .testTarget(
            name: "SettleCoreTests",
            dependencies: ["SettleCore", "SettleTestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SettleTests",
            dependencies: [
                "Settle", "SettleCore", "SettleCollation", "SettleJavaScript", "SettleTestSupport",
            ],
            swiftSettings: storeSettings
        ),
        .testTarget(
            name: "SettleCollationTests",
            dependencies: ["SettleCollation", "SettleCore", "SettleTestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SettleJavaScriptTests",
            dependencies: ["SettleJavaScript", "SettleCore", "SettleTestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SettleReplicationTests",
            dependencies: [
                "SettleReplication", "SettleServer", "SettleJavaScript", "Settle", "SettleCore",
                "SettleTestSupport",
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SettleConformanceTests",
            dependencies: [
                "SettleCore", "SettleServer", "SettleJavaScript", "SettleTestSupport",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SettleCrashTests",
            dependencies: ["SettleCore", "Settle", "SettleCLI", "SettleTestSupport"],
            exclude: ["PowerLoss/recorder.c"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SettleCLITests",
            dependencies: ["SettleCLI", "SettleCore", "SettleTestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SettleServerTests",
            dependencies: [
                "SettleServer", "SettleJavaScript", "Settle", "SettleCore", "SettleTestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SettleStorageTests",
            dependencies: ["SettleStorage", "SettleTestSupport"],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
