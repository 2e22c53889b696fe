// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// Limits on processes, memory and descriptors: the tool goes on with what there is, or says in a line that it cannot.
extension QuantizeTools.LimitTests {
  private var random: [String] { ["--random", "resnet18", "--input-size", "64", "-q", "-o"] }

  @Test func withoutThreadsThereIsTheFirst() throws {
    let scratch = try Scratch()
    let words = [
      ShippedModel.checkpoint, "--calibration", ShippedModel.calibration, "--input-size", "64",
      "--method", "entropy", "--threads", "3", "-q", "-o",
    ]
    let limited = try Tool.quantize.end(words + [scratch.path("limited")], under: "--nproc=1")
    #expect(limited.status == 0)
    #expect(
      limited.errors.hasPrefix(
        "resnet-quantize: the system started 1 of 3 threads; going on with them\n"))
    try Tool.quantize(words + [scratch.path("free")])
    #expect(try scratch.data("limited") == scratch.data("free"))
  }

  @Test func tooLittleMemoryIsSaid() throws {
    let scratch = try Scratch()
    var statuses: Set<Int32> = []
    for megabytes in [110, 130, 150, 400] {
      let result = try Tool.quantize.end(
        random + [scratch.path("plan")], under: "--as=\(megabytes * 1_000_000)")
      statuses.insert(result.status)
      if result.status != 0 { result.isFailure("out of memory: ", of: "resnet-quantize") }
    }
    #expect(statuses == [0, 1])
    #expect(try scratch.names() == ["plan"])
  }

  @Test func fewDescriptorsAreEnoughOrSaid() throws {
    let scratch = try Scratch()
    for count in 4...10 {
      let result = try Tool.quantize.end(
        random + [scratch.path("\(count)")], under: "--nofile=\(count)")
      if result.status != 0 { result.isFailure("Too many open files", of: "resnet-quantize") }
      #expect(count < 8 || result.status == 0, "\(result.errors)")
    }
  }

  @Test func fewDescriptorsLeaveNoPhotoOut() throws {
    let scratch = try Scratch()
    let words = [
      ShippedModel.checkpoint, "--calibration", ShippedModel.calibration, "--input-size", "64",
      "--method", "min-max", "--threads", "4", "-q", "-o", scratch.path("plan"),
    ]
    for count in 4...6 {
      let result = try Tool.quantize.end(words, under: "--nofile=\(count)")
      if result.status != 0 { result.isFailure("Too many open files", of: "resnet-quantize") }
      #expect(!result.errors.contains("left out"))
    }
  }
}
