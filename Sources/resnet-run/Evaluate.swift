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
) throws(RunFailure) -> Bool {
  let folders = try ClassFolders(root, classifier.base.session.plan)
  let places = try shared(
    Buffer<Int>(count: min(5, classifier.base.session.plan.classCount)))
  var score = Score()
  var progress = Progress(total: folders.imageCount)
  let start = rn_monotonic_ns()
  for folder in 0..<folders.count {
    let path = try folders.path(folder)
    let images = try folders.images(inFolder: folder)
    for index in 0..<images.count {
      let image = try shared(Path(path.text, images[index]))
      do throws(ImageError) {
        try classifier.run { (base) throws(ImageError) in
          try base.prepare(RGBImage(path: image.text))
        }
        score.count(folders.label(folder), classifier.base.top(places.elements))
        score.inputTime += classifier.inputTime
        score.inferenceTime += classifier.inferenceTime
      } catch {
        progress.clear()
        tool.complain("\(image.text): \(error)")
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
  try shared(output.endLine())
  return score.unreadable == 0
}

extension TextOutput {
  fileprivate mutating func appendText(_ score: Score) {
    append("top-1     \(score.top1, decimals: 4)\ntop-5     \(score.top5, decimals: 4)")
    append("\nimages    \(score.images)")
    if score.unreadable > 0 { append(", and \(score.unreadable) that cannot be read") }
    append("\nimages/s  \(score.imagesPerSecond, decimals: 1)\nmeans     inference ")
    append("\(score.mean(score.inferenceTime), decimals: 2) ms, ")
    append("input \(score.mean(score.inputTime), decimals: 2) ms")
  }

  fileprivate mutating func appendJSON(_ score: Score) {
    append("{\"top1\": \(score.top1, decimals: 6), \"top5\": \(score.top5, decimals: 6)")
    append(", \"images\": \(score.images), \"unreadable\": \(score.unreadable)")
    append(", \"images_per_s\": \(score.imagesPerSecond, decimals: 3)")
    append(", \"inference_ms\": \(score.mean(score.inferenceTime), decimals: 3)")
    append(", \"input_ms\": \(score.mean(score.inputTime), decimals: 3)}")
  }
}
