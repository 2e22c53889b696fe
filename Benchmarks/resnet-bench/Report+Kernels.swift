// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

extension TextOutput {
  /// Appends the kernels that do the multiplications of a row, or all of its kernels if none does any.
  mutating func append(kernelsOf row: Row, in report: borrowing Report) {
    var isFirst = true
    for index in row.steps where Self.counts(index, row, report) {
      let kernel = report.session.kernel(ofStep: index)
      var isRepeated = false
      for earlier in row.steps.lowerBound..<index where Self.counts(earlier, row, report) {
        if report.session.kernel(ofStep: earlier) == kernel { isRepeated = true }
      }
      if isRepeated { continue }
      if !isFirst { append("+") }
      isFirst = false
      append("\(kernel)")
    }
  }

  private static func counts(_ step: Int, _ row: Row, _ report: borrowing Report) -> Bool {
    row.multiplications == 0 || report.session.plan.view.step(step).multiplications > 0
  }
}
