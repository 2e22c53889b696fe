// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetModelGraph
package import ResNetPlanFormat
package import ResNetPlanning
import ResNetRuntime

/// How often each V, the transform of a tile, was seen at each tap of a coded form, times how much of its error is in
/// the outputs.
struct CodedInputs: Sendable {
  let form: Arithmetic.Algorithm
  /// `[tap][channel]`, what an observation counts: the energy of the weights that multiply it.
  private let importance: [UInt64]
  /// `[tap][V + 2048]`
  private var counts: [UInt64]

  /// V of 16 values of -128…127.
  private static let (greatest, width) = (2048, 4097)

  init(_ form: Arithmetic.Algorithm, _ convolution: Convolution) {
    self.form = form
    importance = form.energies(convolution)
    counts = [UInt64](repeating: 0, count: form.products * Self.width)
  }

  mutating func merge(_ other: CodedInputs) {
    for place in counts.indices { counts[place] += other.counts[place] }
  }

  /// Counts every third tile of a uint8 tensor with a border of at least 1, from one of the first three on.
  mutating func add(
    _ tensor: TensorRecord, _ bytes: UnsafeRawBufferPointer, flip: UInt8, first: Int
  ) {
    let (height, width) = (form.tileHeight, form.tileWidth)
    let across = (tensor.width + width - 1) / width
    let tiles = across * ((tensor.height + height - 1) / height)
    let corner = (tensor.border - 1) * (tensor.rowPitch + tensor.channels)
    var inputs = [Int16](repeating: 0, count: (height + 2) * (width + 2))
    var transformed = [Int16](repeating: 0, count: form.products)
    for tile in stride(from: first, to: tiles, by: 3) {
      let (y, x) = (tile / across * height, tile % across * width)
      for channel in 0..<tensor.usedChannels {
        for i in 0..<height + 2 {
          // Beyond the output's last row and column, tiles repeat what those need.
          let row = corner + min(y + i, tensor.height + 1) * tensor.rowPitch + channel
          for j in 0..<width + 2 {
            let byte = bytes[row + min(x + j, tensor.width + 1) * tensor.channels] ^ flip
            inputs[i * (width + 2) + j] = Int16(byte) - 128
          }
        }
        rn_coded_inputs(form.codedForm!, inputs, &transformed)
        for tap in transformed.indices {
          counts[tap * Self.width + Int(transformed[tap]) + Self.greatest] +=
            importance[tap * tensor.usedChannels + channel]
        }
      }
    }
  }

  /// The steps, and the zero tap's zero, with the least squared error of V.
  var coding: Coding {
    var factors: [Int16] = []
    var zero = 128
    for tap in 0..<form.products {
      let seen = Seen(counts[tap * Self.width..<(tap + 1) * Self.width], greatest: Self.greatest)
      if tap == form.zeroTap {
        let best = seen.withZero()
        factors.append(best.factor)
        zero = best.zero
      } else {
        factors.append(seen.symmetric())
      }
    }
    return Coding(form, factors: factors, zero: zero)
  }
}

extension Arithmetic.Algorithm {
  /// The squares of the transformed weights of each tap and input channel, `[tap][channel]`, of a mean of 256.
  fileprivate func energies(_ convolution: Convolution) -> [UInt64] {
    let channels = convolution.inputChannels
    var sums = [Double](repeating: 0, count: products * channels)
    var transformed = [Float](repeating: 0, count: products)
    convolution.weights.withUnsafeBufferPointer { weights in
      for place in 0..<convolution.outputChannels * channels {
        rn_coded_weights(codedForm!, weights.baseAddress! + 9 * place, &transformed)
        for tap in 0..<products {
          let weight = Double(transformed[tap])
          sums[tap * channels + place % channels] += weight * weight
        }
      }
    }
    for tap in 0..<products {
      let mean = sums[tap * channels..<(tap + 1) * channels].reduce(0, +) / Double(channels)
      for place in tap * channels..<(tap + 1) * channels {
        sums[place] = mean > 0 ? sums[place] / mean : 1
      }
    }
    return sums.map { UInt64((256 * min($0, 256)).rounded()) }
  }
}

/// The values of one tap that were seen, and how often.
private struct Seen {
  private let values: [(value: Int, count: Double)]

  init(_ counts: ArraySlice<UInt64>, greatest: Int) {
    values = counts.enumerated().filter { $1 > 0 }.map { ($0 - greatest, Double($1)) }
  }

  /// Of codes around 128.
  func symmetric() -> Int16 {
    let greatest = values.map(\.value.magnitude).max() ?? 0
    var best = (error: Double.infinity, factor: Int16.max)
    for part in 0..<32 {
      let factor = Self.factor(step: Double(greatest) / 127 * (1 - 0.02 * Double(part)))
      let error = error(factor, 128)
      if error < best.error { best = (error, factor) }
    }
    return best.factor
  }

  func withZero() -> (factor: Int16, zero: Int) {
    let (low, high) = (Double(values.first?.value ?? 0), Double(values.last?.value ?? 0))
    var best = (error: Double.infinity, factor: Int16.max, zero: 128)
    for lowPart in 0..<8 {
      for highPart in 0..<20 {
        let from = low + (high - low) * 0.02 * Double(lowPart)
        let to = high - (high - low) * 0.03 * Double(highPart)
        let factor = Self.factor(step: (to - from) / 255)
        let zero = -Int((from * Double(factor) / 0x1p15).rounded(.toNearestOrEven))
        let error = error(factor, zero)
        if error < best.error { best = (error, factor, zero) }
      }
    }
    return (best.factor, best.zero)
  }

  /// 2^15 steps, within what a factor may be.
  private static func factor(step: Double) -> Int16 {
    step > 0 ? Int16(min(max((0x1p15 / step).rounded(), 1), 32767)) : .max
  }

  private func error(_ factor: Int16, _ zero: Int) -> Double {
    let step = 0x1p15 / Double(factor)
    var sum = 0.0
    for (value, count) in values {
      let code = min(max((value * Int(factor) + 1 << 14) >> 15 + zero, 0), 255)
      let difference = Double(code - zero) * step - Double(value)
      sum += count * difference * difference
    }
    return sum
  }
}

extension ModelImages {
  /// How forms of convolutions are to code their inputs, by what they read in a plan of direct sums.
  ///
  /// - Parameter wanted: operations and forms.
  /// - **Allocates:** the plan twice; for each thread and each wanted form up to 2 MB, and a session.
  package func codings(
    _ scheme: QuantizationScheme, _ wanted: [(operation: Int, form: Arithmetic.Algorithm)],
    threads: Int, progress: QuantizationProgress
  ) throws -> [Coding] {
    let stage = "finding steps of codes"
    progress(stage, 0, count)
    var options = PlanOptions()
    options.keepsTensors = true
    let plan = PlanBytes(try Planner.plan(scheme, options))
    let tensors = wanted.map { model.program.operations[$0.operation].input }
    let none = wanted.map {
      CodedInputs($0.form, scheme.model.operation($0.operation).kind.layer!)
    }
    let inputs = try summed(
      none, threads: threads, progress: { progress(stage, $0, count) },
      makeWorker: { try PlanSession(plan) },
      merge: { for place in $0.indices { $0[place].merge($1[place]) } },
      add: { session, image, index, inputs in
        session.run(image)
        for place in inputs.indices {
          session.addCodedInputs(of: tensors[place], first: index % 3, to: &inputs[place])
        }
      })
    return inputs.map(\.coding)
  }
}
