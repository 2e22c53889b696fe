// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

extension Binder {
  func bindGlobalAverage(_ record: GlobalAverageRecord, _ step: StepRecord) -> BoundOperation {
    let input = plan.tensor(step.input)
    var arguments = rn_avgpool_args()
    arguments.input = UnsafeRawPointer(rows(input).start)
    arguments.input_row = input.rowPitch
    arguments.height = UInt32(input.height)
    arguments.width = UInt32(input.width)
    arguments.channels = UInt32(input.channels)
    arguments.zero = Int32(input.zeroPoint)
    arguments.multiplier = record.factor
    arguments.features = rows(plan.tensor(step.output)).start.assumingMemoryBound(to: Float.self)
    let (function, slot): (_, StaticString) =
      switch step.arithmetic.activations {
      case .uint8: (kernels.avgpool_q8!, "avgpool_q8")
      case .float32: (kernels.avgpool_f32!, "avgpool_f32")
      }
    return .globalAverage(
      BoundGlobalAverage(
        function: function, arguments: arguments, kernel: StepKernel(function, slot: slot)))
  }
}

/// Means over all pixels, on the first thread.
struct BoundGlobalAverage {
  let function: @convention(c) (UnsafePointer<rn_avgpool_args>?) -> Void
  let arguments: rn_avgpool_args
  let kernel: StepKernel

  func run(_ thread: SessionThread) {
    guard thread.index == 0 else { return }
    var arguments = arguments
    function(&arguments)
  }
}
