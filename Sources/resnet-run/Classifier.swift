// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

/// A session and the memory that takes an image from its file to its classes.
///
/// - **Allocates:** everything of fixed size when it is made; for each image what decoding and resizing
///   it needs, freed before the inference.
struct Classifier: ~Copyable {
  /// The session, with the results of the last image.
  private(set) var session: Session
  /// How long decoding and resizing took for the last image, in nanoseconds.
  private(set) var inputTime: Int64 = 0
  /// How long the inference took for the last image, in nanoseconds.
  private(set) var inferenceTime: Int64 = 0

  private let pixels: Buffer<UInt8>
  private let softmax: Buffer<Float>

  /// Maps the plan and makes the session that the command line asks for.
  init(_ arguments: borrowing Arguments) throws(RunError) {
    let session = try openSession(
      arguments.model, threads: arguments.threads, cpus: arguments.cpus,
      instructionSet: arguments.instructionSet)
    let size = session.plan.inputSize
    let pixels = try Buffer<UInt8>(count: size * size * 3)
    let softmax = try Buffer<Float>(count: session.plan.classCount)
    self.session = session
    self.pixels = pixels
    self.softmax = softmax
  }

  /// Reads an image, runs the network on it and takes the times.
  mutating func run(_ path: UnsafePointer<CChar>) throws(ImageError) {
    let start = rn_monotonic_ns()
    let preprocessing = session.plan.view.preprocessing
    try preprocess(
      RGBImage(path: path), resizeShorterSide: preprocessing.resize, crop: preprocessing.crop,
      into: pixels.elements.baseAddress!)
    infer(since: start)
  }

  /// Runs the network on a frame and takes the times.
  ///
  /// - **Allocates:** nothing.
  mutating func run(_ frame: UnsafePointer<UInt8>, through input: borrowing FrameInput) {
    let start = rn_monotonic_ns()
    input.read(frame, into: pixels.elements.baseAddress!)
    infer(since: start)
  }

  private mutating func infer(since start: Int64) {
    let middle = rn_monotonic_ns()
    session.run(UnsafeBufferPointer(pixels.elements).span)
    inferenceTime = rn_monotonic_ns() - middle
    inputTime = middle - start
  }

  /// The probability of each class for the last image; valid until the next call.
  func probabilities() -> UnsafeBufferPointer<Float> {
    session.probabilities(into: softmax.elements)
    return UnsafeBufferPointer(softmax.elements)
  }
}

/// Writes why an image cannot be used to standard error.
func complain(about path: UnsafePointer<CChar>, _ error: ImageError) {
  complain {
    $0.append(cString: path)
    $0.append(": ")
    error.describe(to: &$0)
  }
}
