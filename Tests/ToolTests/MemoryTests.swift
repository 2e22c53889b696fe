// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import XCTest

/// How much memory the tools take.
final class MemoryTests: XCTestCase {
  func testCalibratingResNet50TakesLessThan300Megabytes() throws {
    let scratch = try Scratch()
    let checkpoint = scratch.url.appendingPathComponent("resnet50.safetensors")
    try safetensors(.random(config: .resnet50, seed: 1)).write(to: checkpoint)
    let folder = ShippedModel.folder.appendingPathComponent("calibration").path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    for name in names.filter({ $0.hasSuffix(".JPEG") }).prefix(12) {
      try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: scratch.path(name))
    }
    for method in ["min-max", "auto"] {
      let peak = try peakBytes(
        .quantize,
        [
          checkpoint.path, "--calibration", scratch.url.path, "--method", method, "--threads", "2",
          "-o", scratch.path("resnet50.plan"),
        ])
      XCTAssertLessThan(peak, 300_000_000, method)
      // It has the weights, so anything less was measured too early.
      XCTAssertGreaterThan(peak, 102_000_000, method)
    }
  }

  func testHalfPrecisionResNet18RunsIn60Megabytes() throws {
    // Another build brings Swift's libraries along.
    guard ProcessInfo.processInfo.environment["RESNET_RUN"] != nil else {
      throw XCTSkip("needs the board's resnet-run in RESNET_RUN: make test sets it")
    }
    let scratch = try Scratch()
    let photos = [String](repeating: Repository.example("church"), count: 40)
    for choice in ["made", "stored", "none"] {
      let plan = scratch.path("\(choice).plan")
      let made = try Tool.quantize.run(
        ShippedModel.arguments(output: plan) + ["--precision", "fp16", "--transformed", choice])
      XCTAssertEqual(made.status, 0, made.errors)
      let peak = try peakBytes(.run, [plan, "--threads", "1"] + photos)
      print("peak memory of resnet-run, fp16, \(choice): \(peak) bytes")
      XCTAssertLessThan(peak, 60_000_000, choice)
      // It reads as many bytes as the weights of fp16 have.
      XCTAssertGreaterThan(peak, 22_300_000, choice)
    }
  }

  /// The most memory that a run of a tool had resident.
  ///
  /// The kernel keeps the maximum; that of `wait4` would count this process from before the exec as well.
  private func peakBytes(_ tool: Tool, _ arguments: [String]) throws -> Int {
    let process = Process()
    process.executableURL = tool.url
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    var peak = 0
    while process.isRunning {
      let status = try? String(
        contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
      let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
      if let kilobytes = line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first {
        peak = 1024 * (Int(kilobytes) ?? 0)
      }
      usleep(5000)
    }
    XCTAssertEqual(process.terminationStatus, 0)
    return peak
  }

  /// A checkpoint as a safetensors file.
  private func safetensors(_ checkpoint: Checkpoint) throws -> Data {
    var header: [String: Any] = [:]
    var values = Data()
    for (name, tensor) in checkpoint.tensors {
      let start = values.count
      tensor.values.withUnsafeBytes { values.append(contentsOf: $0) }
      header[name] = [
        "dtype": "F32", "shape": tensor.shape, "data_offsets": [start, values.count],
      ]
    }
    let text = try JSONSerialization.data(withJSONObject: header)
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text + values
  }
}
