// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

/// A classifier that takes the times.
///
/// - **Allocates:** everything of fixed size when it is made; for each image what decoding and resizing
///   it needs, freed before the inference.
struct TimedClassifier: ~Copyable {
  /// The results of the last image.
  private(set) var base: Classifier
  /// How long decoding and resizing took for the last image, in nanoseconds.
  private(set) var inputTime: Int64 = 0
  /// How long the inference took for the last image, in nanoseconds.
  private(set) var inferenceTime: Int64 = 0

  /// Maps the plan and makes the session that the command line asks for.
  init(_ arguments: borrowing Arguments) throws(ToolFailure) {
    let session = try openSession(
      arguments.model, arguments.options, runsOften: arguments.runsOften)
    if arguments.isVerbose { printKernels(session) }
    do throws(SessionError) {
      base = try Classifier(session)
    } catch {
      throw .session(arguments.model, error)
    }
  }

  /// Reads an image, runs the network on it and takes the times.
  mutating func run(_ path: UnsafePointer<CChar>) throws(ImageError) {
    let start = rn_monotonic_ns()
    try base.prepare(RGBImage(path: path))
    infer(since: start)
  }

  /// Reads an image of the command line, which may come from a pipe, runs the network on it and takes the times.
  mutating func run(input path: UnsafePointer<CChar>) throws(ImageError) {
    let start = rn_monotonic_ns()
    let file: MappedFile
    do throws(FileError) {
      file = try MappedFile(input: path)
    } catch {
      throw .file(error)
    }
    try base.prepare(RGBImage(encoded: file.bytes))
    infer(since: start)
  }

  /// Decodes an image, runs the network on it and takes the times.
  mutating func run(encoded: UnsafeRawBufferPointer) throws(ImageError) {
    let start = rn_monotonic_ns()
    try base.prepare(RGBImage(encoded: encoded))
    infer(since: start)
  }

  /// Runs the network on a frame and takes the times.
  ///
  /// - **Allocates:** nothing.
  mutating func run(_ frame: UnsafePointer<UInt8>, through input: borrowing FrameInput) {
    let start = rn_monotonic_ns()
    input.read(frame, into: base.pixels.baseAddress!)
    infer(since: start)
  }

  private mutating func infer(since start: Int64) {
    let middle = rn_monotonic_ns()
    base.run()
    inferenceTime = rn_monotonic_ns() - middle
    inputTime = middle - start
  }
}
