// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime
import ResNetTeaching

/// Tells the memory that teaching takes, before it starts.
func tellMemory(
  _ classifier: borrowing Classifier, _ memory: borrowing TeachingMemory, photos: Int
) {
  func megabytes(_ bytes: Int) -> Double { Double(bytes) / 1e6 }
  let session = classifier.session.byteCount
  let features = classifier.session.plan.featureCount
  var line: TextLine = "at most \(photos) photos, \(features) features; memory: "
  line.append("\(megabytes(classifier.session.plan.view.byteCount), decimals: 1) MB of plan, ")
  line.append("\(megabytes(session), decimals: 1) MB of session, ")
  line.append(
    "\(megabytes(memory.byteCount), decimals: 1) MB for teaching, and the decoding of a photo")
  tool.complain(line)
}

/// Warns of classes with few photos, and of very unequal ones.
func tellCounts(_ table: PhotoTable) {
  var (least, most) = (Int.max, 0)
  for label in 0..<table.classCount {
    let count = table.places(ofClass: label).count
    least = min(least, count)
    most = max(most, count)
    if count < 5 {
      tool.complain(
        "warning: \(table.className(label)) has \(count) photos: expected at least 5, better 20")
    }
  }
  if most > 5 * least {
    tool.complain(
      "warning: the classes have \(least) to \(most) photos: what is rare is named rarely")
  }
}

/// Warns of photos that are in several classes.
func tellDuplicates(_ table: PhotoTable, _ trainer: borrowing HeadTrainer) {
  var told = 0
  trainer.forEachDuplicate { first, other in
    guard told < 20 else { return }
    var line: TextLine = "warning: the same photo is in two classes: "
    line.append(first, of: table)
    line.append(" and ")
    line.append(other, of: table)
    tool.complain(line)
    told += 1
  }
}

extension TextLine {
  /// Appends the class and the name of a photo.
  mutating func append(_ place: Int, of table: PhotoTable) {
    append("\(table.className(table.label(place)))/\(table.name(place))")
  }
}
