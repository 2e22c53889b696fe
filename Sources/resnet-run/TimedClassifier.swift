// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetRuntime

/// A classifier that takes the times.
///
/// - **Allocates:** everything of fixed size when it is made; for each image what decoding and resizing
///   it needs, freed before the inference.
struct TimedClassifier: ~Copyable {
  /// The results of the last run.
  private(set) var base: Classifier
  /// How long decoding and resizing took for the last run, in nanoseconds.
  private(set) var inputTime: Int64 = 0
  /// How long the inference of the last run took, in nanoseconds.
  private(set) var inferenceTime: Int64 = 0

  /// Maps the plan and makes the session that the command line asks for.
  ///
  /// - Parameter batch: the most images of a run, if the memory limit allows it; else one.
  init(_ arguments: borrowing Arguments, batch: Int = 1) throws(ToolFailure) {
    let session: Session
    do throws(ToolFailure) {
      session = try openSession(
        arguments.model, arguments.options, runsOften: arguments.runsOften, batch: batch)
    } catch {
      guard batch > 1, case .session(_, .memoryLimit) = error else { throw error }
      session = try openSession(
        arguments.model, arguments.options, runsOften: arguments.runsOften)
    }
    tool.tellThreads(of: session, arguments.options)
    if arguments.isVerbose { printKernels(session) }
    do throws(SessionError) {
      base = try Classifier(ofAnyOutputs: session)
    } catch {
      throw .session(arguments.model, error)
    }
  }

  /// Prepares an input, runs the network on it and takes the times of both.
  ///
  /// - Parameter prepare: writes the input, from wherever it comes.
  mutating func run<Failure: Error>(
    _ prepare: (inout Classifier) throws(Failure) -> Void
  ) throws(Failure) {
    let start = rn_monotonic_ns()
    try prepare(&base)
    let middle = rn_monotonic_ns()
    base.run()
    inferenceTime = rn_monotonic_ns() - middle
    inputTime = middle - start
  }

  /// Reads photos, runs the network on those that could be read and takes the times of both.
  mutating func run(_ photos: inout PhotoBatch) {
    let start = rn_monotonic_ns()
    photos.read(for: &base)
    let middle = rn_monotonic_ns()
    if photos.readCount > 0 { base.run(images: photos.readCount) }
    inferenceTime = rn_monotonic_ns() - middle
    inputTime = middle - start
  }
}
