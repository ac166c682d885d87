// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors and the language mode is Swift 6, in every target.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "limiq",
    products: [
        .executable(name: "limiq", targets: ["limiq"]),
        // With the targets whose types stand in its interface.
        .library(
            name: "Provisioning",
            targets: [
                "Provisioning", "ImageLibrary", "Hypervisors", "GuestConfig", "MachineSpec", "DiskImages",
                "HostFiles", "Steps", "Basics",
            ]),
        .library(name: "LuaRuntime", targets: ["LuaRuntime"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // Without its Foundation trait: a static binary then carries no ICU.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CLua", pkgConfig: "lua5.4", providers: [.apt(["liblua5.4-dev"])]),
        .systemLibrary(
            name: "CLibvirt", pkgConfig: "libvirt-qemu", providers: [.apt(["libvirt-dev"])]),
        .systemLibrary(name: "CLinux"),
        // libvirt has it loaded, by GnuTLS. What swift-crypto brings, BoringSSL, takes longer to build than all of limiq.
        .systemLibrary(name: "CNettle", pkgConfig: "hogweed", providers: [.apt(["nettle-dev"])]),
        // libvirt is linked with libxml2 itself, so that reading its XML by the same costs no start-up.
        .systemLibrary(name: "CXML", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
        // libvirt and libxml2 have it loaded.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // In the program itself, so that a check needs no file beside it.
        .target(
            name: "CCloudInitSchema",
            exclude: [
                "cloud-config-22.4.json", "cloud-config-25.1.json", "cloud-config-26.2.json",
                "network-config-v1.json", "network-config-v2.json",
                "LICENSE",
            ]),

        .target(name: "Basics", swiftSettings: strict),
        .target(name: "Digests", dependencies: ["CNettle"], swiftSettings: strict),
        .target(name: "YAML", dependencies: ["Basics"], swiftSettings: strict),
        .target(name: "XML", dependencies: ["Basics", "CXML"], swiftSettings: strict),
        .target(name: "Libvirt", dependencies: ["Basics", "CLibvirt", "CXML"], swiftSettings: strict),
        .target(
            name: "HostFiles",
            dependencies: [
                "Basics", "Digests", "CLinux", .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: strict),
        .target(name: "Records", dependencies: ["Basics", "HostFiles"], swiftSettings: strict),
        .target(name: "JSONSchema", dependencies: ["Basics", "YAML"], swiftSettings: strict),
        .target(name: "DiskImages", dependencies: ["Basics", "HostFiles"], swiftSettings: strict),
        .target(
            name: "MachineSpec", dependencies: ["Basics", "Digests", "YAML", "DiskImages"],
            swiftSettings: strict),
        .target(
            name: "GuestConfig",
            dependencies: [
                "Basics", "Digests", "YAML", "JSONSchema", "HostFiles", "DiskImages", "MachineSpec",
                "CCloudInitSchema", "CZlib",
            ],
            swiftSettings: strict),
        .target(
            name: "Hypervisors",
            dependencies: ["Basics", "Digests", "XML", "Libvirt", "Steps", "HostFiles", "DiskImages"],
            swiftSettings: strict),
        // What `limiq test` and the tests of what stands above have in the place of libvirt.
        .target(
            name: "SimulatedHost",
            dependencies: ["Basics", "XML", "HostFiles", "Records", "DiskImages", "Hypervisors"],
            swiftSettings: strict),
        .target(name: "Steps", dependencies: ["Basics"], swiftSettings: strict),
        .target(
            name: "ImageLibrary",
            dependencies: [
                "Basics", "Digests", "YAML", "Steps", "HostFiles", "DiskImages", "Hypervisors",
            ],
            swiftSettings: strict),
        .target(
            name: "Provisioning",
            dependencies: [
                "Basics", "Digests", "XML", "Libvirt", "Steps", "HostFiles", "Records", "JSONSchema",
                "DiskImages",
                "MachineSpec", "GuestConfig", "Hypervisors", "ImageLibrary",
            ],
            swiftSettings: strict),
        .target(name: "CLuaRuntime", dependencies: ["CLua"]),
        .target(
            name: "LuaRuntime", dependencies: ["Basics", "CLua", "CLuaRuntime"], swiftSettings: strict),
        .target(
            name: "Primitives",
            dependencies: [
                "Basics", "YAML", "Steps", "HostFiles", "Records", "DiskImages", "MachineSpec", "GuestConfig",
                "Hypervisors",
                "ImageLibrary", "Provisioning", "LuaRuntime",
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "limiq",
            dependencies: [
                "Basics", "XML", "Steps", "HostFiles", "Records", "DiskImages", "MachineSpec", "Hypervisors",
                "SimulatedHost", "ImageLibrary",
                "Provisioning", "LuaRuntime", "Primitives",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        .target(
            name: "Support",
            dependencies: [
                "Basics", "XML", "Steps", "HostFiles", "Hypervisors", "SimulatedHost",
            ],
            path: "Tests/Support", exclude: ["publisher.py"], swiftSettings: strict),
        .testTarget(name: "BasicsTests", dependencies: ["Basics", "Support"], swiftSettings: strict),
        .testTarget(
            name: "DigestsTests", dependencies: ["Digests", "Basics", "Support"], swiftSettings: strict),
        .testTarget(
            name: "YAMLTests",
            dependencies: ["YAML", "Basics", "Support"],
            swiftSettings: strict),
        .testTarget(
            name: "LuaRuntimeTests", dependencies: ["LuaRuntime", "Basics", "Support"],
            swiftSettings: strict),
        .testTarget(
            name: "LibvirtTests", dependencies: ["Libvirt", "XML", "Support"], swiftSettings: strict),
        .testTarget(
            name: "HostFilesTests",
            dependencies: ["Basics", "HostFiles", "DiskImages", "Hypervisors", "Support"],
            swiftSettings: strict),
        .testTarget(
            name: "JSONSchemaTests",
            dependencies: ["Basics", "YAML", "JSONSchema", "GuestConfig", "Support"],
            swiftSettings: strict),
        .testTarget(
            name: "DiskImagesTests",
            dependencies: ["Basics", "HostFiles", "DiskImages", "MachineSpec", "GuestConfig", "Support"],
            swiftSettings: strict),
        .testTarget(
            name: "GuestConfigTests",
            dependencies: [
                "Basics", "YAML", "HostFiles", "Records", "DiskImages", "MachineSpec", "GuestConfig",
                "Support",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "HypervisorsTests",
            dependencies: [
                "Basics", "XML", "Steps", "HostFiles", "Hypervisors", "Support",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ImageLibraryTests",
            dependencies: ["Basics", "Steps", "HostFiles", "DiskImages", "ImageLibrary", "Support"],
            swiftSettings: strict),
        .testTarget(
            name: "ProvisioningTests",
            dependencies: [
                "Basics", "XML", "Steps", "HostFiles", "DiskImages", "MachineSpec", "GuestConfig",
                "Hypervisors",
                "ImageLibrary", "Provisioning", "Support",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "PrimitivesTests",
            dependencies: [
                "Basics", "XML", "HostFiles", "Records", "DiskImages", "MachineSpec", "Hypervisors",
                "ImageLibrary",
                "Provisioning", "LuaRuntime", "Primitives", "Support",
            ],
            swiftSettings: strict),
        // They run the program that a build of the tests makes as well.
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "limiq", "Basics", "XML", "Steps", "HostFiles", "MachineSpec", "Hypervisors", "Provisioning",
                "LuaRuntime", "Primitives", "Support",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEnd",
            dependencies: ["Basics", "HostFiles", "MachineSpec", "Hypervisors", "Provisioning", "Support"],
            path: "Tests/EndToEnd", swiftSettings: strict),
    ]
)

// Its `main` is libFuzzer's, which only `scripts/fuzz` links.
if Context.environment["LIMIQ_FUZZER"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Basics", "YAML", "XML", "HostFiles", "Records", "DiskImages", "MachineSpec", "GuestConfig",
                "Hypervisors", "ImageLibrary", "Provisioning",
            ],
            path: "Tests/Fuzz", exclude: ["corpus"], swiftSettings: strict))
}
