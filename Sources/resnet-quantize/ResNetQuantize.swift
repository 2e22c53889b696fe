// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct ResNetQuantize: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resnet-quantize",
    abstract: "Turns a ResNet checkpoint into a plan that resnet-run executes.",
    discussion: """
      EXAMPLES
        resnet-quantize resnet18.pth --calibration photos -o resnet18.plan
        resnet-quantize resnet18.safetensors --precision fp32 -o resnet18-fp32.plan
        resnet-quantize --random resnet50 -o timing.plan
        resnet-quantize inspect resnet18.plan
      """,
    version: "0.1.0",
    subcommands: [Quantize.self, Inspect.self],
    defaultSubcommand: Quantize.self)
}

/// An error whose description is the one line that the user sees.
struct ToolError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
