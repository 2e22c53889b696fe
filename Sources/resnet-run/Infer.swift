// SPDX-License-Identifier: Apache-2.0

/// Does what the command line asks for.
///
/// - Returns: Whether all images could be read.
func infer(_ arguments: borrowing Arguments) throws(RunFailure) -> Bool {
  switch arguments.task {
  case .frames(let options):
    return try classifyFrames(arguments, options)
  case .evaluate(let folder):
    var classifier = try shared(TimedClassifier(arguments))
    return try evaluate(folder, &classifier, asJSON: arguments.json)
  case .classify:
    var classifier = try shared(TimedClassifier(arguments))
    return try shared(classify(arguments, &classifier))
  }
}
