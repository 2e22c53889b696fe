// swift-tools-version: 6.2
import PackageDescription

/// Imports are implementation details unless they say otherwise.
let settings: [SwiftSetting] = [.enableUpcomingFeature("InternalImportsByDefault")]

let package = Package(
  name: "resnet-runtime",
  products: [
    .library(name: "ResNetRuntime", targets: ["ResNetRuntime", "ImageInput"]),
    .executable(name: "resnet-bench", targets: ["resnet-bench"]),
    .executable(name: "resnet-quantize", targets: ["resnet-quantize"]),
    .executable(name: "resnet-run", targets: ["resnet-run"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
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
    .target(
      name: "BoardTool", dependencies: ["CPlatform", "PlanFormat", "Platform", "ResNetRuntime"],
      swiftSettings: settings),
    .executableTarget(
      name: "resnet-run", dependencies: ["BoardTool", "ImageInput", "ResNetRuntime"],
      swiftSettings: settings),
    .executableTarget(
      name: "resnet-bench", dependencies: ["BoardTool", "ResNetRuntime"],
      path: "Benchmarks/resnet-bench", swiftSettings: settings),

    // The workstation.
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(
      name: "ModelImport",
      dependencies: [
        "CCrypto", "CZip", "Platform",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], exclude: ["ONNX/onnx.proto"], swiftSettings: settings),
    .target(name: "ModelGraph", dependencies: ["ModelImport"], swiftSettings: settings),
    .target(
      name: "Quantization", dependencies: ["CKernels", "ModelGraph"], swiftSettings: settings),
    .target(
      name: "Planning", dependencies: ["CKernels", "PlanFormat", "Quantization"],
      swiftSettings: settings),
    .executableTarget(
      name: "resnet-quantize",
      dependencies: [
        "BoardTool", "CPlatform", "ImageInput", "ModelImport", "Planning", "Platform",
        "ResNetRuntime", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),
    // Every kernel of every instruction-set level against the reference, in C to run anywhere.
    .executableTarget(
      name: "CheckKernels", dependencies: ["CKernels"], path: "Tests/CheckKernels"),
    .testTarget(
      name: "ImageInputTests", dependencies: ["ImageInput", "Platform"], exclude: ["Fixtures"],
      swiftSettings: settings),
    .testTarget(
      name: "ToolTests",
      dependencies: [
        "ModelGraph", "ModelImport", "TestPlans", "resnet-bench", "resnet-quantize", "resnet-run",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "ModelImportTests",
      dependencies: [
        "CZip", "ModelGraph", "ModelImport", "PlanFormat", "Planning", "Quantization",
        "ResNetRuntime", "TestPlans",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], swiftSettings: settings),
    .testTarget(
      name: "ModelGraphTests", dependencies: ["ModelGraph", "ModelImport"],
      swiftSettings: settings),
    .target(
      name: "TestPlans",
      dependencies: [
        "CPlatform", "ModelGraph", "ModelImport", "PlanFormat", "Planning", "Quantization",
      ],
      path: "Tests/TestPlans", swiftSettings: settings),
    .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: settings),
    .testTarget(
      name: "PlanFormatTests",
      dependencies: [
        "CKernels", "ModelGraph", "PlanFormat", "Platform", "ResNetRuntime", "TestPlans",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "RuntimeTests",
      dependencies: [
        "CKernels", "ModelGraph", "PlanFormat", "Planning", "ResNetRuntime", "TestPlans",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "QuantizationTests",
      dependencies: ["ModelGraph", "ModelImport", "Quantization", "TestPlans"],
      swiftSettings: settings),
    .testTarget(
      name: "PlanningTests",
      dependencies: [
        "CKernels", "ModelGraph", "ModelImport", "PlanFormat", "Planning", "Quantization",
        "TestPlans",
      ],
      swiftSettings: settings),
    // Replaces malloc, so it must be in a program of its own, which the test runs.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .executableTarget(
      name: "AllocationProbe",
      dependencies: ["AllocationCounter", "PlanFormat", "ResNetRuntime", "TestPlans"],
      path: "Tests/AllocationProbe", swiftSettings: settings),
    .testTarget(name: "AllocationTests", swiftSettings: settings),
  ]
)
