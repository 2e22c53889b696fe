// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

/// Prints the classes of the images on the command line and writes the outputs that are asked for.
///
/// - Returns: Whether all images could be read.
func classify(
  _ arguments: borrowing Arguments, _ classifier: inout TimedClassifier,
  _ vectors: inout VectorFiles
) throws(ToolFailure) -> Bool {
  let places = try Buffer<Int>(count: min(arguments.top, classifier.base.session.plan.classCount))
  var output = TextOutput()
  var readAll = true
  for image in arguments.images {
    do throws(ImageError) {
      try classifier.run { (base) throws(ImageError) in try base.prepare(RGBImage(input: image)) }
    } catch {
      tool.complain("\(image): \(error)")
      readAll = false
      continue
    }
    try vectors.append(classifier)
    let top = classifier.base.top(places.elements)
    if arguments.json {
      output.appendJSON(image, top, classifier)
    } else {
      output.appendText(image, top, classifier)
    }
    try output.endLine()
  }
  // Without a vector for each image, nobody could tell which is whose.
  if readAll { try vectors.publish() }
  return readAll
}

extension TextOutput {
  fileprivate mutating func appendText(
    _ image: UnsafePointer<CChar>, _ top: UnsafeBufferPointer<Int>,
    _ classifier: borrowing TimedClassifier
  ) {
    append(cString: image)
    append("\n")
    if classifier.base.isUnknown { append("           unknown: none of the classes\n") }
    let probabilities = classifier.base.probabilities()
    for index in top {
      append(percentage: Double(probabilities[index]))
      append("  ")
      if let name = classifier.base.session.plan.view.className(index) {
        append(UnsafeBufferPointer(rebasing: name[synsetLength(name.baseAddress!)...]))
      } else {
        append("class \(index)")
      }
      append("\n")
    }
    append("  inference \(milliseconds(classifier.inferenceTime), decimals: 2) ms, ")
    append("input \(milliseconds(classifier.inputTime), decimals: 2) ms")
  }

  fileprivate mutating func appendJSON(
    _ image: UnsafePointer<CChar>, _ top: UnsafeBufferPointer<Int>,
    _ classifier: borrowing TimedClassifier
  ) {
    append("{\"file\": ")
    append(jsonString: UnsafeBufferPointer(cString: image))
    if classifier.base.session.plan.classCount > 0 {
      append(", ")
      append(jsonTop: top, classifier.base.probabilities(), classifier)
    }
    appendUnknown(classifier)
    appendTimes(of: classifier)
    append("}")
  }

  /// Appends the member "unknown" if the plan tells such images.
  mutating func appendUnknown(_ classifier: borrowing TimedClassifier) {
    guard classifier.base.knowsStrangers else { return }
    append(classifier.base.isUnknown ? ", \"unknown\": true" : ", \"unknown\": false")
  }

  /// Appends the members "inference_ms" and "input_ms".
  mutating func appendTimes(of classifier: borrowing TimedClassifier) {
    append(", \"inference_ms\": \(milliseconds(classifier.inferenceTime), decimals: 3)")
    append(", \"input_ms\": \(milliseconds(classifier.inputTime), decimals: 3)")
  }

  /// Appends the member "top": an array of classes.
  mutating func append(
    jsonTop top: UnsafeBufferPointer<Int>, _ probabilities: UnsafeBufferPointer<Float>,
    _ classifier: borrowing TimedClassifier
  ) {
    append("\"top\": [")
    for place in 0..<top.count {
      append(place == 0 ? "{" : ", {")
      append(jsonClass: top[place], probabilities, classifier)
      append("}")
    }
    append("]")
  }

  /// Appends the members "index", "label" and "probability".
  mutating func append(
    jsonClass index: Int, _ probabilities: UnsafeBufferPointer<Float>,
    _ classifier: borrowing TimedClassifier
  ) {
    append("\"index\": \(index), \"label\": ")
    if let name = classifier.base.session.plan.view.className(index) {
      append(jsonString: name)
    } else {
      append("\"class \(index)\"")
    }
    append(", \"probability\": \(json: Double(probabilities[index]), decimals: 6)")
  }

  private mutating func append(percentage probability: Double) {
    let percent = probability * 100
    append(percent < 9.995 ? "    " : percent < 99.995 ? "   " : "  ")
    append("\(percent, decimals: 2) %")
  }
}

/// Nanoseconds as milliseconds.
func milliseconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e6 }
