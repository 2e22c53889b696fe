// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetTeaching

/// Writes a report to its file.
func write(
  _ summary: Summary, _ trainer: borrowing HeadTrainer, to file: inout OutputFile,
  _ format: Arguments.ReportFormat
) throws(TeachFailure) {
  var output = TextOutput(to: file)
  switch format {
  case .json: output.append(json: summary, trainer)
  case .html: output.append(html: summary, trainer)
  }
  try shared(output.endLine())
}

extension TextOutput {
  /// Appends all that is known as one JSON object.
  mutating func append(json summary: Summary, _ trainer: borrowing HeadTrainer) {
    let (table, result) = (summary.table, summary.result)
    append("{\"photos\": \(table.count), \"unreadable\": \(summary.taken.unreadable)")
    append(summary.isFlipped ? ", \"flip\": true" : ", \"flip\": false")
    append(", \"top1\": \(json: result.top1, decimals: 6), \"right\": \(result.right)")
    append(", \"interval\": [\(json: result.interval.lowerBound, decimals: 6), ")
    append("\(json: result.interval.upperBound, decimals: 6)], \"folds\": \(result.folds)")
    append(", \"loss\": \(json: result.calibratedLoss, decimals: 6)")
    append(", \"uncalibrated_loss\": \(json: result.loss, decimals: 6)")
    append(", \"training_loss\": \(json: result.trainingLoss, decimals: 6)")
    append(", \"strength\": \(json: result.strength, decimals: 9)")
    append(", \"temperature\": \(json: result.temperature, decimals: 6)")
    append(", \"features_s\": \(json: Double(summary.taken.time) / 1e9, decimals: 3)")
    append(", \"teaching_s\": \(json: Double(summary.trainingTime) / 1e9, decimals: 3)")
    if let rule = result.strangers {
      append(", \"unknown\": {\"by\": ")
      append(rule.score == .likeness ? "\"likeness\"" : "\"probability\"")
      append(", \"threshold\": \(json: rule.threshold, decimals: 6)")
      append(", \"false_rejects\": \(json: rule.falseRejects, decimals: 6)")
      append(", \"caught_by_probability\": \(json: rule.caughtByProbability, decimals: 6)")
      append(", \"caught_by_likeness\": \(json: rule.caughtByLikeness, decimals: 6)}")
    }
    append(", \"classes\": [")
    for label in 0..<table.classCount {
      append(label == 0 ? "{\"name\": " : ", {\"name\": ")
      append(jsonString: UnsafeBufferPointer(cString: table.className(label)))
      append(", \"photos\": \(table.places(ofClass: label).count), \"named\": [")
      for other in 0..<table.classCount {
        append(other == 0 ? "" : ", ")
        append("\(summary.count(label, named: other, trainer))")
      }
      append("]}")
    }
    append("], \"verdicts\": [")
    for place in 0..<table.count {
      let verdict = trainer.verdict(ofPhoto: place)
      append(
        place == 0
          ? "{\"class\": \(verdict.label), \"photo\": "
          : ", {\"class\": \(verdict.label), \"photo\": ")
      append(jsonString: UnsafeBufferPointer(cString: table.name(place)))
      append(", \"best\": \(verdict.best)")
      append(", \"probability\": \(json: verdict.probability, decimals: 6)")
      append(", \"best_probability\": \(json: verdict.bestProbability, decimals: 6)}")
    }
    append("]}")
  }

  /// Appends the report as a page, which refers to no other file.
  mutating func append(html summary: Summary, _ trainer: borrowing HeadTrainer) {
    let (table, result) = (summary.table, summary.result)
    append(
      """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>resnet-teach</title><style>
      body { font: 15px/1.4 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }
      table { border-collapse: collapse } td, th { padding: .2em .6em; border: 1px solid #ccc; text-align: right }
      th:first-child, td:first-child { text-align: left } .right { background: #dfd } .wrong { background: #fdd }
      </style></head><body><h1>
      """)
    append("\(100 * result.top1, decimals: 1) % of \(result.photos) photos named right</h1>\n")
    append(
      "<p>Each photo was judged by a head that was taught without it. With 95 % probability between "
    )
    append("\(100 * result.interval.lowerBound, decimals: 1) % and ")
    append(
      "\(100 * result.interval.upperBound, decimals: 1) % of all such photos are named right. ")
    append("Mean loss \(result.calibratedLoss, decimals: 4), strength of the penalty ")
    append("\(result.strength, decimals: 6), temperature \(result.temperature, decimals: 3).</p>\n")
    if summary.taken.unreadable > 0 {
      append("<p>\(summary.taken.unreadable) photos could not be read.</p>\n")
    }
    if let rule = result.strangers {
      append("<p>Photos are called unknown by the ")
      append(rule.score == .likeness ? "likeness to a class" : "greatest probability")
      append(" below \(rule.threshold, decimals: 4). That rejects ")
      append(
        "\(100 * rule.falseRejects, decimals: 1) % of the photos. Of a class that was not taught, each in "
      )
      append(
        "turn, probability catches \(100 * rule.caughtByProbability, decimals: 1) % and likeness ")
      append("\(100 * rule.caughtByLikeness, decimals: 1) %.</p>\n")
    }
    append("<h2>Named as</h2><table><tr><th>class</th><th>photos</th>")
    for label in 0..<table.classCount {
      append("<th>")
      append(cString: table.className(label), as: .xml)
      append("</th>")
    }
    append("</tr>\n")
    for label in 0..<table.classCount {
      append("<tr><td>")
      append(cString: table.className(label), as: .xml)
      append("</td><td>\(table.places(ofClass: label).count)</td>")
      for other in 0..<table.classCount {
        let count = summary.count(label, named: other, trainer)
        append(
          count == 0 ? "<td>" : label == other ? "<td class=\"right\">" : "<td class=\"wrong\">")
        append("\(count)</td>")
      }
      append("</tr>\n")
    }
    append("</table><h2>Least sure: perhaps of another class</h2><table>")
    append("<tr><th>photo</th><th>probability of its class</th><th>taken for</th></tr>\n")
    summary.forEachDoubtful(50, trainer) { place, verdict in
      append("<tr><td>")
      append(cString: table.className(verdict.label), as: .xml)
      append("/")
      append(cString: table.name(place), as: .xml)
      append("</td><td>\(100 * verdict.probability, decimals: 1) %</td><td>")
      if verdict.best != verdict.label { append(cString: table.className(verdict.best), as: .xml) }
      append("</td></tr>\n")
    }
    append("</table></body></html>")
  }
}
