// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat

extension PlanBuilder {
  /// Appends what a coded convolution has in place of weights, biases and multipliers.
  mutating func code(
    _ record: inout ConvolutionRecord, _ index: Int, _ coding: Coding, _ tensors: [TensorRecord]
  ) throws(PlanningError) {
    let operation = graph.operations[index]
    let (input, output) = (scale(operation.input), scale(operation.output))
    let convolution = scheme.model.operation(index).kind.layer!
    guard let coded = scheme.model.codedWeights(index, input, coding) else {
      throw .codedSums(layer: operation.name)
    }
    let biases = zip(convolution.bias, changes(convolution, coded, coding, index)).map {
      Double($0) - $1
    }
    let starts = coded.starts(coding, inputZero: input.zeroPoint, biases: biases)
    guard coded.greatestSum(starts) <= Int32.max else {
      throw .codedSums(layer: operation.name)
    }
    setRange(&record, index, tensors)
    let units = Double(tensors[operation.output].unitsPerStep)
    record.transformed = sections.append(coded.weights)
    record.bias = sections.append(starts)
    let flipped = sections.append(coded.flipped(starts))
    precondition(flipped == record.flippedBias(count: starts.count))
    record.shifts = sections.append(coded.shifts)
    record.factors = sections.append(coding.factorRows)
    record.codeZero = Int32(coding.zero)
    record.multiplier = sections.append(
      coded.scales.map { Float($0 * units / Double(output.scale)) })
  }

  /// By how much quantization changes the mean of each output channel, in real units and apart from borders: only
  /// the zero tap has a part in it.
  private func changes(
    _ convolution: Convolution, _ coded: CodedWeights, _ coding: Coding, _ index: Int
  ) -> [Double] {
    let outputs = convolution.outputChannels
    guard let means = means(index) else { return [Double](repeating: 0, count: outputs) }
    let (channels, tap) = (convolution.inputChannels, coding.form.zeroTap)
    let step = coding.steps[tap] * Double(scale(graph.operations[index].input).scale)
    let gain = Double(coding.form.zeroTapGain)
    return (0..<outputs).map { output in
      var change = means.residualShift.isEmpty ? 0 : means.residualShift[output]
      for input in 0..<channels {
        let first = (output * channels + input) * 9
        let weight = convolution.weights[first..<first + 9].reduce(0) { $0 + Double($1) }
        change += coded.value(output, tap, input) / step * gain * means.quantizedInput[input]
        change -= weight * means.input[input]
      }
      return change
    }
  }
}

extension FloatModel {
  /// The coded weights of a convolution, or what the last call made of the same; nil if sums leave their range.
  func codedWeights(_ index: Int, _ input: ActivationScale, _ coding: Coding) -> CodedWeights? {
    let known = codedWeights.withLock { $0[index] }
    if let known, known.input == input, known.coding == coding { return known.weights }
    let weights = CodedWeights(
      operation(index).kind.layer!,
      inputs: program.storedChannels(of: program.operations[index].input), input, coding)
    if let weights { codedWeights.withLock { $0[index] = (input, coding, weights) } }
    return weights
  }
}
