// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Quantize",
  dependencies: [.package(name: "resnet-runtime", path: "../..")],
  targets: [
    .executableTarget(
      name: "Quantize",
      dependencies: [
        .product(name: "ResNetImages", package: "resnet-runtime"),
        .product(name: "ResNetQuantization", package: "resnet-runtime"),
        .product(name: "ResNetRuntime", package: "resnet-runtime"),
      ])
  ]
)
