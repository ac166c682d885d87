// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Benchmarks",
    dependencies: [.package(name: "limiq", path: "..")],
    targets: [
        .executableTarget(
            name: "bench",
            dependencies: [
                .product(name: "Provisioning", package: "limiq"), .product(name: "LuaRuntime", package: "limiq"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)])
    ]
)
