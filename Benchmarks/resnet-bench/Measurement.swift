// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlanFormat
import ResNetRuntime

/// Runs a session on the test image, without and with timestamps and, if the session takes more images, on a batch of
/// them, in turn.
struct Measurement: ~Copyable {
  private(set) var samples: Samples
  private(set) var pairCount = 0

  private static var minimumPairs: Int { 20 }

  /// The images of a batch, of which the first is the test image.
  private let pixels: Buffer<UInt8>
  private let imageByteCount: Int
  private let timestamps: Buffer<Int64>

  init(_ session: borrowing Session) throws(ToolFailure) {
    let pixels = try Buffer<UInt8>(count: session.batch * session.plan.imageByteCount)
    let steps = session.plan.view.stepCount
    let timestamps = try Buffer<Int64>(count: steps + 1)
    let samples = try Samples(stepCount: steps)
    fillTestImage(pixels.elements)
    self.pixels = pixels
    imageByteCount = session.plan.imageByteCount
    self.timestamps = timestamps
    self.samples = samples
  }

  /// Runs until the weights are in memory and a governor has had time to raise the clock.
  func warmUp(_ session: inout Session) {
    let start = rn_monotonic_ns()
    var runs = 0
    while runs < 3 || rn_monotonic_ns() - start < 200_000_000 {
      session.run(image.span)
      if session.batch > 1 { session.run(UnsafeBufferPointer(pixels.elements).span) }
      runs += 1
    }
  }

  private var image: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: pixels.elements[0..<imageByteCount])
  }

  /// Runs for some time.
  mutating func run(_ session: inout Session, seconds: Double) {
    let image = image.span
    let images = UnsafeBufferPointer(pixels.elements).span
    let end = rn_monotonic_ns() + Int64(seconds * 1e9)
    while pairCount < Measurement.minimumPairs || rn_monotonic_ns() < end {
      let start = rn_monotonic_ns()
      session.run(image)
      let middle = rn_monotonic_ns()
      session.run(image, timestamps: timestamps.elements)
      let end = rn_monotonic_ns()
      if session.batch > 1 { session.run(images) }
      samples.append(
        plain: middle - start, timed: end - middle, batch: rn_monotonic_ns() - end,
        timestamps: timestamps.elements)
      pairCount += 1
    }
  }
}
