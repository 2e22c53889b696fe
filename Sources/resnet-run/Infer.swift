// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
import ResNetPlanFormat
import ResNetRuntime

/// Does what the command line asks for.
///
/// - Returns: Whether all images could be read.
func infer(_ arguments: borrowing Arguments) throws(RunFailure) -> Bool {
  switch arguments.task {
  case .frames(let options):
    return try classifyFrames(arguments, options)
  case .evaluate(let folder):
    // One thread gains nothing by a batch; several share four photos each better than one.
    let threads = arguments.options.threads
    let batch = threads == 1 ? 1 : min(4 * threads, Session.batchLimit)
    var classifier = try shared(TimedClassifier(arguments, batch: batch))
    try requireLogits(classifier, arguments, for: "--evaluate")
    return try evaluate(folder, &classifier, asJSON: arguments.json)
  case .classify:
    var classifier = try shared(TimedClassifier(arguments))
    if arguments.showsTop { try requireLogits(classifier, arguments, for: "--top") }
    if arguments.outputs.isEmpty, arguments.features == nil {
      try requireLogits(classifier, arguments, for: "classes; --output writes outputs to files")
    }
    var vectors = try VectorFiles(arguments, classifier)
    return try shared(classify(arguments, &classifier, &vectors))
  }
}

/// Checks that the plan has classes to tell.
func requireLogits(
  _ classifier: borrowing TimedClassifier, _ arguments: borrowing Arguments,
  for purpose: StaticString
) throws(RunFailure) {
  let view = classifier.base.session.plan.view
  guard view.logitsTensor != nil else {
    throw .lacks(arguments.model, "logits", for: purpose, OutputNames(view, 0..<view.outputCount))
  }
}
