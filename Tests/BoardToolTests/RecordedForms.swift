// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetRuntime
import TestPlans
import ToolSupport

/// Writes a tuning that gives every int8 convolution of a plan that can have one a form, in turn.
///
/// - Parameters:
///   - options: level and threads.
///   - run: runs `resnet-run`, here or on another CPU, which measures a small plan for the lines that tell the CPU.
/// - Returns: the words that use the tuning.
func recordForms(
  _ plan: String, _ options: [String], in scratch: Scratch, _ run: ([String]) throws -> ToolResult
) throws -> [String] {
  let small = scratch.path("small-\(UUID())")
  _ = try run([RandomPlan.small(), Repository.example("church"), "--tuning", small] + options)
  var lines = try String(contentsOfFile: small, encoding: .utf8).split(separator: "\n").prefix(4)
  let loaded = try Plan(path: plan)
  let names = exactFormNames(loaded)
  let sum = String(loaded.view.checksum, radix: 16)
  lines[1] = "plan " + String(repeating: "0", count: 8 - sum.count) + sum
  let forms = ["4x4", "4x2", "2x2"]
  for (index, name) in names.enumerated() {
    lines.append("\(name) \(forms[index % forms.count])")
  }
  let path = scratch.path("forms-\(UUID())")
  try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
  return options + ["--tuning", path]
}
