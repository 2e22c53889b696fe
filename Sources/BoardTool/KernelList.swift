// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat
import ResNetPlatform
public import ResNetRuntime

/// Lists the kernels of a session on standard error, a line for each step that multiplies.
///
/// A convolution that was tuned is told with the bytes of the weights that the session made for it, and with the
/// CPU time of every form that was measured.
public func printKernels(_ session: borrowing Session) {
  let view = session.plan.view
  for index in 0..<view.stepCount where view.step(index).multiplications > 0 {
    let kernel = session.kernel(ofStep: index)
    var line: TextLine = "\(view.name(view.step(index).name))"
    line.pad(to: 28)
    line.append("\(kernel)")
    if let form = session.form(ofStep: index) {
      line.pad(to: 56)
      line.append("\(form.byteCount / 1000) kB")
      line.pad(to: 66)
      for place in form.times.indices where form.times[place] > 0 {
        line.append(" \(Session.formNames[place]) ")
        line.append("\(Double(form.times[place]) / 1e6, decimals: 3)")
      }
      if form.times[0] > 0 { line.append(" ms") }
    }
    guard line.writeLine(to: STDERR_FILENO) else { return }
  }
  var line: TextLine =
    "memory: \(view.byteCount) bytes of plan, \(session.byteCount) of session, "
  line.append("of them \(session.formByteCount) transformed weights")
  line.writeLine(to: STDERR_FILENO)
}
