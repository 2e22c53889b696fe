// swift-tools-version: 6.2
import PackageDescription

/// Imports are implementation details unless they say otherwise.
let settings: [SwiftSetting] = [.enableUpcomingFeature("InternalImportsByDefault")]

let package = Package(
  name: "resnet-runtime",
  products: [
    .library(name: "ResNetRuntime", targets: ["ResNetRuntime", "ImageInput"]),
    .executable(name: "resnet-quantize", targets: ["resnet-quantize"]),
    .executable(name: "resnet-run", targets: ["resnet-run"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // The board: no Foundation, also compiled as Embedded Swift without heap allocations.
    .target(name: "CPlatform", linkerSettings: [.linkedLibrary("m")]),
    .target(name: "Platform", dependencies: ["CPlatform"], swiftSettings: settings),
    .target(
      name: "CKernels", path: "CKernels",
      linkerSettings: [.linkedLibrary("sleef"), .linkedLibrary("m"), .linkedLibrary("pthread")]),
    .target(name: "PlanFormat", dependencies: ["CKernels", "Platform"], swiftSettings: settings),
    .target(
      name: "ResNetRuntime", dependencies: ["CKernels", "PlanFormat", "Platform"],
      path: "Sources/Runtime", swiftSettings: settings),
    .target(
      name: "CImageCodecs", linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16")]),
    .target(
      name: "ImageInput", dependencies: ["CImageCodecs", "CPlatform", "Platform"],
      swiftSettings: settings),
    .executableTarget(
      name: "resnet-run", dependencies: ["ImageInput", "ResNetRuntime"], swiftSettings: settings),

    // The workstation.
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(
      name: "ModelImport", dependencies: ["CCrypto", "CZip", "Platform"], swiftSettings: settings),
    .target(name: "ModelGraph", dependencies: ["ModelImport"], swiftSettings: settings),
    .target(
      name: "Quantization", dependencies: ["CKernels", "ModelGraph"], swiftSettings: settings),
    .target(
      name: "Planning", dependencies: ["CKernels", "PlanFormat", "Quantization"],
      swiftSettings: settings),
    .executableTarget(
      name: "resnet-quantize",
      dependencies: [
        "ImageInput", "ModelImport", "Planning", "ResNetRuntime",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),
    .testTarget(
      name: "ImageInputTests", dependencies: ["ImageInput", "Platform"], exclude: ["Fixtures"],
      swiftSettings: settings),
    .testTarget(
      name: "ToolTests", dependencies: ["ModelImport", "resnet-run", "resnet-quantize"],
      swiftSettings: settings),
  ]
)
