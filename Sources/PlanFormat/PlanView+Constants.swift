// SPDX-License-Identifier: Apache-2.0

import CResNetKernels

extension PlanView {
  /// Calls `body` with the offset and the bytes of each constant of a step, whose record may be changed so.
  ///
  /// This is the one list of what a step has among the constants: who checks, counts or moves them cannot forget any.
  /// The step has the tensors and an arithmetic that its operation has.
  package func forEachConstant(
    of step: inout StepRecord, _ body: (_ offset: inout Int, _ byteCount: Int) -> Void
  ) {
    guard step.operation != .input else { return }
    let (input, output) = (tensor(step.input), tensor(step.output))
    let arithmetic = step.arithmetic
    switch step.operation {
    case .stem(var record):
      record.forEachConstant(arithmetic, input, output, body)
      step.operation = .stem(record)
    case .convolution(var record):
      record.forEachConstant(arithmetic, input, output, body)
      step.operation = .convolution(record)
    case .linear(var record):
      body(&record.weights, input.channels * output.channels * arithmetic.weights.byteCount)
      body(&record.bias, 4 * output.channels)
      if arithmetic.weights == .int8 { body(&record.multiplier, 4 * output.channels) }
      step.operation = .linear(record)
    case .scale(var record):
      if !record.hasGate { body(&record.multiplier, 4 * output.channels) }
      body(&record.offset, 4 * output.channels)
      if record.slopes != .none { body(&record.slope, 4 * output.channels) }
      step.operation = .scale(record)
    case .input, .pool, .globalAverage, .sigmoid: break
    }
  }
}

extension ConvolutionRecord {
  fileprivate mutating func forEachConstant(
    _ arithmetic: Arithmetic, _ input: TensorRecord, _ output: TensorRecord,
    _ body: (_ offset: inout Int, _ byteCount: Int) -> Void
  ) {
    let (format, channels) = (arithmetic.weights, output.channels)
    if arithmetic.algorithm == .direct || transformedPlace == .madeAtLoad {
      let products = products(input, format)
      body(&weights, products * channels * format.byteCount)
    } else {
      body(
        &transformed, arithmetic.transformedByteCount(inputs: input.channels, outputs: channels))
    }
    guard format == .int8 else { return body(&bias, 4 * channels) }
    body(&multiplier, 4 * channels)
    let form = arithmetic.algorithm.codedForm
    let sums = form == nil ? channels : channels * arithmetic.algorithm.products
    // The biases for flipped inputs follow the plain ones.
    body(&bias, PlanLayout.aligned(4 * sums) + 4 * sums)
    guard let form else { return }
    body(&shifts, 4 * sums)
    body(&factors, 16 * Int(rn_coded_shape_of(form).rows))
  }
}
