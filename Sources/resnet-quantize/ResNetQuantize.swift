// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CResNetOutOfMemory
import CResNetPlatform
import Glibc
import ResNetPlatform

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
    version: "\(packageVersion)",
    subcommands: [Quantize.self, Inspect.self, Check.self],
    defaultSubcommand: Quantize.self)

  /// Runs the command; one line on stderr and exit status 1 if it fails, 2 for wrong usage.
  static func main() {
    rn_begin_tool("resnet-quantize")
    rn_end_without_memory(("resnet-quantize" as StaticString).cString)
    // Weights, plans and activations come and go: each phase gives back what the next one needs.
    rn_map_large_blocks(1 << 20)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      let status = exitCode(for: error)
      guard status.isSuccess else {
        let isUsage = status == .validationFailure
        let hint = isUsage ? "; try resnet-quantize --help" : ""
        end(message(for: error) + hint, status: isUsage ? 2 : 1)
      }
      // Help and the like.
      print(fullMessage(for: error))
    }
    // print tells nobody what it could not write.
    let code = rn_flush_output()
    guard code == 0 else {
      end("cannot write to standard output: \(String(cString: strerror(code)))", status: 1)
    }
  }

  private static func end(_ text: String, status: Int32) -> Never {
    tell(text)
    Glibc.exit(status)
  }
}

/// An error whose description is the one line that the user sees.
struct ToolError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
