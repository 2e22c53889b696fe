// swift-tools-version: 6.2
import PackageDescription

/// Imports are implementation details unless they say otherwise.
let settings: [SwiftSetting] = [.enableUpcomingFeature("InternalImportsByDefault")]

let package = Package(
  name: "resnet-runtime",
  products: [
    .library(name: "ResNetRuntime", targets: ["ResNetRuntime"]),
    .library(name: "ResNetImages", targets: ["ResNetImages"]),
    .library(name: "ResNetTeaching", targets: ["ResNetTeaching"]),
    .library(
      name: "ResNetQuantization",
      targets: ["ResNetModelGraph", "ResNetModelImport", "ResNetPlanning", "ResNetQuantization"]),
    // What `make lib` and `make pi` make the C library of.
    .library(name: "resnet-runtime", type: .static, targets: ["ResNetLibrary"]),
    .executable(name: "resnet-bench", targets: ["resnet-bench"]),
    .executable(name: "resnet-quantize", targets: ["resnet-quantize"]),
    .executable(name: "resnet-run", targets: ["resnet-run"]),
    .executable(name: "resnet-teach", targets: ["resnet-teach"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // Its traits are for streams of Foundation, of which only the essentials are needed.
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
  ],
  targets: [
    // The board: no Foundation, also compiled as Embedded Swift without heap allocations.
    .target(
      name: "CResNetPlatform", path: "Sources/CPlatform", linkerSettings: [.linkedLibrary("m")]),
    .target(
      name: "ResNetPlatform", dependencies: ["CResNetPlatform"], path: "Sources/Platform",
      swiftSettings: settings),
    .target(
      name: "CResNetKernels", path: "CKernels",
      linkerSettings: [.linkedLibrary("sleef"), .linkedLibrary("m")]),
    .target(
      name: "CResNetThreads", path: "Sources/CThreads",
      linkerSettings: [.linkedLibrary("pthread")]),
    .target(
      name: "ResNetPlanFormat",
      dependencies: ["CResNetKernels", "CResNetPlatform", "ResNetPlatform"],
      path: "Sources/PlanFormat", swiftSettings: settings),
    .target(
      name: "ResNetRuntime",
      dependencies: [
        "CResNetKernels", "CResNetPlatform", "CResNetThreads", "ResNetPlanFormat", "ResNetPlatform",
      ],
      path: "Sources/Runtime", swiftSettings: settings),
    .target(
      name: "CResNetImageCodecs", path: "Sources/CImageCodecs",
      linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16")]),
    .target(
      name: "ResNetImages",
      dependencies: [
        "CResNetImageCodecs", "CResNetPlatform", "ResNetPlanFormat", "ResNetPlatform",
        "ResNetRuntime",
      ],
      path: "Sources/ImageInput", swiftSettings: settings),
    .target(
      name: "ResNetTeaching",
      dependencies: ["CResNetKernels", "CResNetPlatform", "ResNetPlanFormat", "ResNetPlatform"],
      path: "Sources/Teaching", swiftSettings: settings),
    .target(
      name: "ResNetBoardTool",
      dependencies: ["CResNetPlatform", "ResNetPlanFormat", "ResNetPlatform", "ResNetRuntime"],
      path: "Sources/BoardTool", swiftSettings: settings),
    .target(
      name: "ResNetPhotoTool",
      dependencies: ["CResNetPlatform", "ResNetBoardTool", "ResNetImages", "ResNetPlatform"],
      path: "Sources/PhotoTool", swiftSettings: settings),
    .target(
      name: "CResNetFrameReader", path: "Sources/CFrameReader",
      linkerSettings: [.linkedLibrary("pthread")]),
    .executableTarget(
      name: "resnet-run",
      dependencies: [
        "CResNetFrameReader", "CResNetPlatform", "ResNetBoardTool", "ResNetImages",
        "ResNetPhotoTool", "ResNetPlanFormat", "ResNetPlatform", "ResNetRuntime",
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "resnet-teach",
      dependencies: [
        "CResNetPlatform", "ResNetBoardTool", "ResNetImages", "ResNetPhotoTool",
        "ResNetPlanFormat", "ResNetPlatform", "ResNetRuntime", "ResNetTeaching",
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "resnet-bench",
      dependencies: [
        "CResNetKernels", "CResNetPlatform", "ResNetBoardTool", "ResNetPlanFormat",
        "ResNetPlatform", "ResNetRuntime",
      ],
      path: "Benchmarks/resnet-bench", swiftSettings: settings),
    .target(name: "CResNetLibrary", path: "Sources/CLibrary"),
    .target(
      name: "ResNetLibrary",
      dependencies: [
        "CResNetLibrary", "CResNetPlatform", "ResNetImages", "ResNetPlanFormat", "ResNetPlatform",
        "ResNetRuntime", "ResNetTeaching",
      ],
      path: "Sources/Library", swiftSettings: settings),

    // The workstation.
    .systemLibrary(
      name: "CResNetZip", path: "Sources/CZip", pkgConfig: "libzip",
      providers: [.apt(["libzip-dev"])]),
    .target(
      name: "ResNetModelGraph", path: "Sources/ModelGraph", swiftSettings: settings),
    .target(
      name: "ResNetModelImport",
      dependencies: [
        "CResNetZip", "ResNetModelGraph", "ResNetPlatform",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], path: "Sources/ModelImport", exclude: ["ONNX/onnx.proto"], swiftSettings: settings),
    .target(
      name: "ResNetPlanning",
      dependencies: [
        "CResNetKernels", "CResNetPlatform", "ResNetModelGraph", "ResNetPlanFormat",
        "ResNetPlatform",
      ],
      path: "Sources/Planning", swiftSettings: settings),
    .target(
      name: "ResNetQuantization",
      dependencies: [
        "CResNetKernels", "ResNetBoardTool", "ResNetImages", "ResNetModelGraph", "ResNetPlanFormat",
        "ResNetPlanning", "ResNetPlatform", "ResNetRuntime",
      ],
      path: "Sources/Quantization", swiftSettings: settings),
    .target(name: "CResNetOutOfMemory", path: "Sources/COutOfMemory"),
    .executableTarget(
      name: "resnet-quantize",
      dependencies: [
        "CResNetOutOfMemory", "CResNetPlatform", "ResNetBoardTool", "ResNetModelGraph",
        "ResNetModelImport", "ResNetPlanFormat", "ResNetPlanning", "ResNetPlatform",
        "ResNetQuantization", "ResNetRuntime",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),

    // Every kernel of every instruction-set level against the reference, in C to run anywhere.
    .executableTarget(
      name: "CheckKernels", dependencies: ["CResNetKernels"], path: "Tests/CheckKernels"),
    // Sessions with threads, for ThreadSanitizer.
    .executableTarget(
      name: "CheckSessions", dependencies: ["ResNetPlanFormat", "ResNetPlatform", "ResNetRuntime"],
      path: "Tests/CheckSessions", swiftSettings: settings),
    // What `make fuzz` links with libFuzzer; without it the program reads files once.
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "CResNetFrameReader", "CResNetPlatform", "ResNetImages", "ResNetModelGraph",
        "ResNetModelImport", "ResNetPlanFormat", "ResNetPlanning", "ResNetPlatform",
        "ResNetQuantization", "ResNetRuntime", "ResNetTeaching", "TestPlans",
      ],
      path: "Tests/Fuzz", exclude: ["make_seeds.py", "seeds"], swiftSettings: settings),
    .testTarget(
      name: "PlatformTests", dependencies: ["CResNetPlatform", "ResNetPlatform"],
      swiftSettings: settings),
    .testTarget(
      name: "ImageInputTests",
      dependencies: [
        "ResNetImages", "ResNetModelGraph", "ResNetPlanFormat", "ResNetPlatform", "ResNetRuntime",
        "TestPlans",
      ],
      exclude: ["Fixtures"], swiftSettings: settings),
    .target(
      name: "TestPlans",
      dependencies: [
        "CResNetPlatform", "ResNetModelGraph", "ResNetModelImport", "ResNetPlanFormat",
        "ResNetPlanning", "ResNetQuantization", "ResNetRuntime",
      ],
      path: "Tests/TestPlans", swiftSettings: settings),
    .testTarget(
      name: "PlanFormatTests",
      dependencies: [
        "ResNetModelGraph", "ResNetPlanFormat", "ResNetPlanning",
        "ResNetRuntime", "TestPlans",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "RuntimeTests",
      dependencies: [
        "CResNetThreads", "ResNetModelGraph", "ResNetPlanFormat", "ResNetPlanning",
        "ResNetPlatform", "ResNetRuntime", "TestPlans",
      ], swiftSettings: settings),
    .testTarget(
      name: "ModelImportTests",
      dependencies: [
        "CResNetZip", "ResNetModelGraph", "ResNetModelImport", "ResNetPlanFormat", "ResNetPlanning",
        "ResNetPlatform", "ResNetQuantization", "ResNetRuntime", "TestPlans",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "ModelGraphTests",
      dependencies: ["ResNetModelGraph", "ResNetModelImport", "ResNetPlatform", "TestPlans"],
      swiftSettings: settings),
    .testTarget(
      name: "PlanningTests",
      dependencies: [
        "ResNetModelGraph", "ResNetModelImport", "ResNetPlanFormat", "ResNetPlanning",
        "ResNetQuantization", "TestPlans",
      ], swiftSettings: settings),
    .testTarget(
      name: "TeachingTests",
      dependencies: ["CResNetKernels", "CResNetPlatform", "ResNetTeaching"],
      exclude: ["Fixtures", "make_goldens.py"], swiftSettings: settings),
    .testTarget(
      name: "QuantizationTests",
      dependencies: [
        "ResNetModelGraph", "ResNetModelImport", "ResNetPlanFormat", "ResNetPlanning",
        "ResNetQuantization", "TestPlans",
      ], swiftSettings: settings),
    .testTarget(
      name: "FamilyTests",
      dependencies: [
        "ResNetModelGraph", "ResNetModelImport", "ResNetPlanFormat", "ResNetPlanning",
        "ResNetQuantization", "ResNetRuntime", "TestPlans", "ToolSupport",
      ], exclude: ["Fixtures"], swiftSettings: settings),
    .target(
      name: "ToolSupport",
      dependencies: ["resnet-bench", "resnet-quantize", "resnet-run", "resnet-teach"],
      path: "Tests/ToolSupport", swiftSettings: settings),
    .testTarget(
      name: "QuantizeToolTests",
      dependencies: ["ResNetModelGraph", "ResNetModelImport", "TestPlans", "ToolSupport"],
      exclude: ["Fixtures"], swiftSettings: settings),
    .testTarget(
      name: "BoardToolTests",
      dependencies: ["ResNetModelImport", "ResNetRuntime", "TestPlans", "ToolSupport"],
      swiftSettings: settings),
    .testTarget(name: "CLibraryTests", dependencies: ["ToolSupport"], swiftSettings: settings),
    // Replaces malloc, so it must be in a program of its own, which the test runs.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .executableTarget(
      name: "AllocationProbe",
      dependencies: ["AllocationCounter", "ResNetPlanFormat", "ResNetRuntime", "TestPlans"],
      path: "Tests/AllocationProbe", swiftSettings: settings),
    .testTarget(name: "AllocationTests", dependencies: ["ToolSupport"], swiftSettings: settings),
  ]
)
