// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

extension Binder {
  func bindSigmoid(_ step: StepRecord) -> BoundOperation {
    let (input, output) = (plan.tensor(step.input), plan.tensor(step.output))
    return .sigmoid(
      BoundSigmoid(
        function: kernels.sigmoid_f32,
        input: UnsafePointer(rows(input).start.assumingMemoryBound(to: Float.self)),
        output: rows(output).start.assumingMemoryBound(to: Float.self),
        count: UInt32(output.channels), kernel: StepKernel(kernels.sigmoid_f32!, slot: "")))
  }
}

/// The sigmoid of a vector, on the first thread.
struct BoundSigmoid {
  let function: @convention(c) (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, UInt32) -> Void
  let input: UnsafePointer<Float>
  let output: UnsafeMutablePointer<Float>
  let count: UInt32
  let kernel: StepKernel

  func run(_ thread: SessionThread) {
    guard thread.index == 0 else { return }
    function(input, output, count)
  }
}
