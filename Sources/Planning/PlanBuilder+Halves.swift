// SPDX-License-Identifier: Apache-2.0

import CKernels
import ModelGraph
import PlanFormat
import Quantization

// Layers with fp16 weights.
extension PlanBuilder {
  /// Rounds weights to fp16, half to even; denormals are kept.
  func halves(_ weights: [Float], _ layer: String) throws(PlanningError) -> [UInt16] {
    var result: [UInt16] = []
    result.reserveCapacity(weights.count)
    for weight in weights {
      let half = Float16(weight)
      guard half.isFinite else { throw .halfOverflow(layer: layer, found: weight) }
      result.append(half.bitPattern)
    }
    return result
  }

  /// What decides between Winograd forms.
  private var halfCosts: [HalfConvolutionCost] {
    guard targets.isEmpty else { return targets.map(\.halfCost) }
    return magnitudes == nil ? PlanTarget.allCases.map(\.halfCost) : [.halfSums]
  }

  /// Chooses the Winograd forms of the layers that can have one: 3×3 with stride 1 of whole blocks of channels.
  func chooseHalfForms() throws(PlanningError) -> [Int: WinogradForm] {
    guard transformed != .none else { return [:] }
    var indices: [Int] = []
    var candidates: [HalfWinogradCandidate] = []
    var halfWeights = 0
    for index in graph.operations.indices where formats.operations[index] == .f16 {
      let operation = operation(index)
      switch operation.kind {
      case .convolution(let convolution):
        halfWeights += convolution.weights.count
        let inputs = graph.storedChannels(of: operation.input)
        guard convolution.kernelSize == 3, convolution.stride == 1,
          inputs % PlanLayout.channelBlock == 0
        else { continue }
        let output = graph.tensors[operation.output]
        indices.append(index)
        candidates.append(
          HalfWinogradCandidate(
            shape: WinogradShape(
              height: output.height, width: output.width,
              inputs: inputs, outputs: paddedChannels(output.channels)),
            greatestWeight: convolution.weights.reduce(0) { max($0, $1.magnitude) }))
      case .stem(let convolution): halfWeights += convolution.weights.count
      case .linear(let linear): halfWeights += linear.weights.count
      case .input, .averagePool: break
      }
    }
    let forms = Planning.chooseHalfForms(
      candidates, byteLimit: transformedLimit ?? 2 * halfWeights * 5 / 4,
      costs: halfCosts)
    var chosen: [Int: WinogradForm] = [:]
    for (index, form) in zip(indices, forms) { chosen[index] = form }
    return chosen
  }

  /// Whether the sums of a convolution stay in the range that kernels with fp16 sums state, with inputs up to
  /// four times as large as those of the photos.
  ///
  /// Direct sums stay below 65504 · 0.96, Winograd's below half of it: the transforms multiply by at most
  /// 25/4, and the kernels scale by 1/16.
  func canSumInHalves(_ convolution: Convolution, of input: Int) -> Bool {
    guard let magnitudes else { return false }
    let greatest = 4 * Double(magnitudes[input])
    let count = convolution.weights.count / convolution.outputChannels
    let sums = (0..<convolution.outputChannels).map { output in
      convolution.weights[output * count..<(output + 1) * count].reduce(0) {
        $0 + Double($1.magnitude)
      }
    }
    return greatest < 512 && greatest * sums.max()! < 65504 * 0.96
  }

  /// Appends packed weights, or what a Winograd form makes of them.
  mutating func append(
    _ weights: [UInt16], to record: inout StepRecord, _ form: WinogradForm?, inputs: Int,
    outputs: Int
  ) {
    guard let form else {
      record.weights = sections.append(weights)
      return
    }
    var winograd = WinogradRecord(
      tileHeight: form.height, tileWidth: form.width, levels: WinogradRecord.allLevels, weights: 0,
      isMadeBySession: transformed == .made)
    if transformed == .made {
      sources.append(weights)
      winograd.weights = memory.made
      memory.made += PlanLayout.aligned(winograd.byteCount(inputs: inputs, outputs: outputs))
    } else {
      winograd.weights = sections.append(
        form.transformed(weights, inputs: inputs, outputs: outputs))
    }
    record.winograd = winograd
  }
}

extension WinogradForm {
  /// Packed fp16 weights as the Winograd kernels read them.
  fileprivate func transformed(_ weights: [UInt16], inputs: Int, outputs: Int) -> [UInt16] {
    var result = [UInt16](repeating: 0, count: positions * inputs * outputs)
    rn_winograd_f16_weights(
      UInt32(height), UInt32(width), weights, UInt32(outputs / PlanLayout.channelBlock),
      UInt32(inputs), &result)
    return result
  }
}
