// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import Synchronization
import TestPlans
import Testing

@Suite struct CalibrationTests {
  private let graph: Program

  init() throws { graph = try TestNetwork.bottleneck.program(inputSize: 32) }

  private func calibrate(
    threads: Int, count: Int = 7, image: @Sendable (Int) throws -> [UInt8],
    progress: @Sendable (Int) -> Void = { _ in }
  ) throws -> Calibration {
    try Calibration(
      observing: FloatModel(
        graph,
        preprocessing: PreprocessingRecord(
          resize: 32, crop: 32, mean: SIMD3(repeating: 0.5), std: SIMD3(repeating: 0.2))),
      imageCount: count, threads: threads, image: image, progress: progress)
  }

  @Test func threadsAndTheOrderOfImagesDoNotMatter() throws {
    let expected = try calibrate(threads: 1) { testImage(32, seed: UInt64($0)) }.histograms
    #expect(expected.count == graph.tensors.count)
    #expect(expected[0].count == 7 * 32 * 32 * 3)
    #expect(try calibrate(threads: 3) { testImage(32, seed: UInt64($0)) }.histograms == expected)
    let permuted = try calibrate(threads: 3) { testImage(32, seed: UInt64(($0 * 3 + 2) % 7)) }
    #expect(permuted.histograms == expected)
    let others = try calibrate(threads: 1) { testImage(32, seed: UInt64($0 + 1)) }
    #expect(others.histograms != expected)
  }

  @Test func rectifiedTensorsStartAtZero() throws {
    let calibration = try calibrate(threads: 2) { testImage(32, seed: UInt64($0)) }
    for method in [CalibrationMethod.minMax, .percentile(99)] {
      let scales = calibration.scales(of: graph, method: method)
      for (tensor, scale) in zip(graph.tensors, scales) where tensor.isRectified {
        #expect(scale.zeroPoint == 0)
      }
    }
    let all = calibration.scales(of: graph, method: .minMax)
    let most = calibration.scales(of: graph, method: .percentile(99))
    #expect(zip(all, most).allSatisfy { $0.scale >= $1.scale })
    #expect(zip(all, most).contains { $0.scale > $1.scale })
  }

  @Test func everyImageIsCounted() throws {
    let seen = Mutex<[Int]>([])
    _ = try calibrate(
      threads: 3, image: { testImage(32, seed: UInt64($0)) },
      progress: { done in seen.withLock { $0.append(done) } })
    #expect(seen.withLock { $0.sorted() } == Array(1...7))
  }

  private struct Unreadable: Error, Equatable {
    var image: Int
  }

  @Test func theFirstErrorIsThrown() throws {
    for threads in [1, 3] {
      #expect(throws: Unreadable(image: 2)) {
        try calibrate(threads: threads) { index in
          // The earliest of the bad images is the slowest to fail.
          if index == 2 { Thread.sleep(forTimeInterval: 0.05) }
          if index >= 2 { throw Unreadable(image: index) }
          return testImage(32, seed: UInt64(index))
        }
      }
    }
  }
}
