// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

extension Binder {
  func bindInput(_ output: TensorRecord) -> BoundOperation {
    let (mean, std) = (plan.preprocessing.mean, plan.preprocessing.std)
    var arguments = rn_input_args()
    arguments.width = UInt32(output.width)
    arguments.mean = (mean.x, mean.y, mean.z)
    arguments.std = (std.x, std.y, std.z)
    let (function, slot): (_, StaticString) =
      switch output.format {
      case .uint8: (kernels.input_q8!, "input_q8")
      case .float32: (kernels.input_f32!, "input_f32")
      }
    return .input(
      BoundInput(
        function: function, arguments: arguments, output: rows(output), height: output.height,
        kernel: StepKernel(function, slot: slot)))
  }
}

/// Takes the caller's pixels into the first tensor.
struct BoundInput {
  let function: @convention(c) (UnsafePointer<rn_input_args>?) -> Void
  let arguments: rn_input_args
  let output: TensorRows
  let height: Int
  let kernel: StepKernel

  func run(_ thread: SessionThread) {
    var arguments = arguments
    for y in thread.share(of: height) {
      arguments.rgb = thread.image + y * Int(arguments.width) * 3
      arguments.output = output[y]
      function(&arguments)
    }
  }
}
