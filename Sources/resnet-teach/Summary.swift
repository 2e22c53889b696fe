// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetTeaching

/// What there is to tell about a new plan.
struct Summary {
  let table: PhotoTable
  let result: TeachingResult
  let taken: TakenPhotos
  /// Nanoseconds without the features.
  let trainingTime: Int64
  let isFlipped: Bool

  /// How often the photos of a class, the first, are named as another.
  func count(_ label: Int, named other: Int, _ trainer: borrowing HeadTrainer) -> Int {
    var count = 0
    for place in table.places(ofClass: label)
    where trainer.verdict(ofPhoto: place).best == other { count += 1 }
    return count
  }

  /// Calls `body` with the photos of whose class the head is least sure, the worst first.
  func forEachDoubtful(
    _ limit: Int, _ trainer: borrowing HeadTrainer, _ body: (Int, Verdict) -> Void
  ) {
    var (last, lastPlace) = (-1.0, -1)
    for _ in 0..<min(limit, table.count) {
      var (found, least) = (-1, 2.0)
      for place in 0..<table.count {
        let probability = trainer.verdict(ofPhoto: place).probability
        // Behind the last one: of equals the one of the higher place.
        let isNext = probability > last || probability == last && place > lastPlace
        if isNext, probability < least { (found, least) = (place, probability) }
      }
      guard found >= 0 else { return }
      body(found, trainer.verdict(ofPhoto: found))
      (last, lastPlace) = (least, found)
    }
  }
}

extension TextOutput {
  /// Appends the summary for people.
  mutating func append(_ summary: Summary, _ trainer: borrowing HeadTrainer) {
    let (table, result) = (summary.table, summary.result)
    append("photos       \(table.count) of \(table.classCount) classes")
    if summary.taken.unreadable > 0 {
      append(", and \(summary.taken.unreadable) that cannot be read")
    }
    append(
      "\ntop-1        \(result.top1, decimals: 4) (\(result.right) of \(result.photos) photos ")
    append(
      result.folds == result.photos ? "left out one by one" : "left out in \(result.folds) parts")
    append(
      "), with 95 % between \(result.interval.lowerBound, decimals: 4) and \(result.interval.upperBound, decimals: 4)\n"
    )
    append(
      "loss         \(result.calibratedLoss, decimals: 4), strength \(result.strength, decimals: 6), "
    )
    append("temperature \(result.temperature, decimals: 3)\n")
    if let rule = result.strangers { append(rule) }
    append("time         features \(Double(summary.taken.time) / 1e9, decimals: 2) s, ")
    append("teaching \(Double(summary.trainingTime) / 1e9, decimals: 2) s\n")
    append(
      table.classCount > 20
        ? "class        photos, right\n" : "class        photos, named as each class\n")
    for label in 0..<table.classCount {
      append("  ")
      append(cString: table.className(label))
      append("  \(table.places(ofClass: label).count):")
      if table.classCount > 20 {
        append(" \(summary.count(label, named: label, trainer))")
      } else {
        for other in 0..<table.classCount {
          append(" \(summary.count(label, named: other, trainer))")
        }
      }
      append("\n")
    }
    append("least sure   (perhaps of another class)")
    summary.forEachDoubtful(10, trainer) { place, verdict in
      append("\n  ")
      append(cString: table.className(verdict.label))
      append("/")
      append(cString: table.name(place))
      append("  \(100 * verdict.probability, decimals: 1) %")
      if verdict.best != verdict.label {
        append(", taken for ")
        append(cString: table.className(verdict.best))
      }
    }
  }

  private mutating func append(_ rule: StrangerRule) {
    append("unknown      by the ")
    append(rule.score == .likeness ? "likeness to a class" : "greatest probability")
    append(" below \(rule.threshold, decimals: 4): rejects ")
    append("\(100 * rule.falseRejects, decimals: 1) % of the photos, catches ")
    append("\(100 * max(rule.caughtByLikeness, rule.caughtByProbability), decimals: 1) % of ")
    append("those of a class that was not taught\n")
    append("             (by probability \(100 * rule.caughtByProbability, decimals: 1) %, ")
    append(
      "by likeness \(100 * rule.caughtByLikeness, decimals: 1) %; each class left out in turn)\n")
  }
}
