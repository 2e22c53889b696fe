// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
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
}
