// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPhotoTool
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
  var progress = Progress()
  var photos = PhotoBatch()
  let start = rn_monotonic_ns()
  for folder in 0..<folders.count {
    let path = try folders.path(folder)
    for index in 0..<folders.imageCount(inFolder: folder) {
      try photos.append(
        shared(Path(path.text, folders.image(index, inFolder: folder))),
        label: folders.label(folder))
      guard photos.count == classifier.base.session.batch else { continue }
      count(&photos, &classifier, places.elements, &score, &progress)
      progress.show { score.progress(of: folders.imageCount) }
    }
  }
  count(&photos, &classifier, places.elements, &score, &progress)
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

/// Classifies photos, counts them and takes them away.
private func count(
  _ photos: inout PhotoBatch, _ classifier: inout TimedClassifier,
  _ places: UnsafeMutableBufferPointer<Int>, _ score: inout Score, _ progress: inout Progress
) {
  classifier.run(&photos)
  score.inputTime += classifier.inputTime
  score.inferenceTime += classifier.inferenceTime
  var image = 0
  for index in 0..<photos.count {
    if let error = photos.error(index) {
      progress.clear()
      tool.complain("\(photos.path(index)): \(error)")
      score.unreadable += 1
    } else {
      score.count(photos.label(index), classifier.base.top(ofImage: image, places))
      image += 1
    }
  }
  photos.removeAll()
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
