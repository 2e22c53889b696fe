// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// How much memory `resnet-run` takes.
extension BoardTools.BoardMemoryTests {
  /// Another build brings Swift's libraries along.
  private static let isBoardTool = ProcessInfo.processInfo.environment["RESNET_RUN"] != nil

  @Test(
    .slow, .enabled(if: isBoardTool, "needs the board's resnet-run in RESNET_RUN"),
    arguments: [["--winograd", "load"], ["--winograd", "plan"], ["--algorithm", "direct"]])
  func halfPrecisionResNet18RunsIn60Megabytes(options: [String]) throws {
    let scratch = try Scratch()
    let plan = scratch.path("half.plan")
    try Tool.quantize(
      ShippedModel.arguments + ["--precision", "fp16", "-o", plan] + options)
    let photos = [String](repeating: Repository.example("church"), count: 40)
    let peak = try Tool.run.peakBytes([plan, "--threads", "1"] + photos)
    print("peak memory of resnet-run, fp16, \(options.joined(separator: " ")): \(peak) bytes")
    #expect(peak < 60_000_000)
    // It reads as many bytes as the weights of fp16 have.
    #expect(peak > 22_300_000)
  }

  /// Plan and session stay within the limit; the program, its libraries and a photo come on top.
  @Test(.enabled(if: isBoardTool, "needs the board's resnet-run in RESNET_RUN"))
  func tunedResNet18StaysWithinItsMemory() throws {
    let plan = try ShippedModel.int8()
    let photos = [String](repeating: Repository.example("church"), count: 64)
    for megabytes in [13, 24, 40] {
      let peak = try Tool.run.peakBytes(
        [plan, "--threads", "1", "--memory", "\(megabytes)"] + photos)
      print("peak memory of resnet-run, int8, --memory \(megabytes): \(peak) bytes")
      #expect(peak < megabytes * 1_000_000 + 8_000_000)
    }
  }
}
