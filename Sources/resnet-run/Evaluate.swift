// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

/// Prints how often the network is right about the images in the folders of `root`.
///
/// - Returns: Whether all images could be read.
func evaluate(
  _ root: UnsafePointer<CChar>, _ classifier: inout TimedClassifier, asJSON: Bool
) throws(RunError) -> Bool {
  let folders = try ClassFolders(root, classifier.base.session.plan)
  let places = try Buffer<Int>(count: min(5, classifier.base.session.plan.classCount))
  var score = Score()
  var progress = Progress(total: folders.imageCount)
  let start = rn_monotonic_ns()
  for folder in 0..<folders.count {
    let path = try folders.path(folder)
    let images = try folders.images(inFolder: folder)
    for index in 0..<images.count {
      let image = try Path(path.text, images[index])
      do throws(ImageError) {
        try classifier.run(image.text)
        score.count(folders.label(folder), classifier.base.top(places.elements))
        score.inputTime += classifier.inputTime
        score.inferenceTime += classifier.inferenceTime
      } catch {
        progress.clear()
        complain(about: image.text, error)
        score.unreadable += 1
      }
      progress.show(score)
    }
  }
  progress.clear()
  score.elapsed = rn_monotonic_ns() - start
  guard score.images > 0 else { throw .noReadableImage(root) }
  var output = TextOutput()
  if asJSON {
    output.appendJSON(score)
  } else {
    output.appendText(score)
  }
  try output.endLine()
  return score.unreadable == 0
}

extension TextOutput {
  fileprivate mutating func appendText(_ score: Score) {
    append("top-1     ")
    append(score.top1, decimals: 4)
    append("\ntop-5     ")
    append(score.top5, decimals: 4)
    append("\nimages    ")
    append(score.images)
    if score.unreadable > 0 {
      append(", and ")
      append(score.unreadable)
      append(" that cannot be read")
    }
    append("\nimages/s  ")
    append(score.imagesPerSecond, decimals: 1)
    append("\nmeans     inference ")
    append(milliseconds(score.inferenceTime) / Double(score.images), decimals: 2)
    append(" ms, input ")
    append(milliseconds(score.inputTime) / Double(score.images), decimals: 2)
    append(" ms")
  }

  fileprivate mutating func appendJSON(_ score: Score) {
    append("{\"top1\": ")
    append(score.top1, decimals: 6)
    append(", \"top5\": ")
    append(score.top5, decimals: 6)
    append(", \"images\": ")
    append(score.images)
    append(", \"unreadable\": ")
    append(score.unreadable)
    append(", \"images_per_s\": ")
    append(score.imagesPerSecond, decimals: 3)
    append(", \"inference_ms\": ")
    append(milliseconds(score.inferenceTime) / Double(score.images), decimals: 3)
    append(", \"input_ms\": ")
    append(milliseconds(score.inputTime) / Double(score.images), decimals: 3)
    append("}")
  }
}
