// swift-tools-version: 6.2
import PackageDescription

/// Imports are implementation details unless they say otherwise.
let settings: [SwiftSetting] = [.enableUpcomingFeature("InternalImportsByDefault")]

let package = Package(
  name: "resnet-runtime",
  products: [
    .library(name: "ResNetRuntime", targets: ["ResNetRuntime"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // The board: no Foundation, also compiled as Embedded Swift without heap allocations.
    .target(name: "CPlatform"),
    .target(name: "Platform", dependencies: ["CPlatform"], swiftSettings: settings),
    .target(
      name: "CKernels", path: "CKernels",
      linkerSettings: [.linkedLibrary("sleef"), .linkedLibrary("m"), .linkedLibrary("pthread")]),
    .target(name: "PlanFormat", dependencies: ["CKernels", "Platform"], swiftSettings: settings),
    .target(
      name: "ResNetRuntime", dependencies: ["CKernels", "PlanFormat", "Platform"],
      path: "Sources/Runtime", swiftSettings: settings),
  ]
)
