// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
package import ResNetRuntime

/// The names of the int8 convolutions that can have an exact form, in the order of the plan.
package func exactFormNames(_ plan: borrowing Plan) -> [String] {
  let view = plan.view
  return (0..<view.stepCount).compactMap { index in
    let step = view.step(index)
    guard case .convolution(let record) = step.operation, step.arithmetic == .int8,
      record.kernelHeight == 3, record.strideY == 1, record.isDense,
      view.tensor(step.input).channels % 32 == 0
    else { return nil }
    return String(cString: view.name(step.name))
  }
}
