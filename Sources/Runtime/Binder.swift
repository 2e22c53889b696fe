// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

/// Binds the steps of a plan to kernels and memory: the one place that chooses.
struct Binder {
  let plan: PlanView
  let kernels: rn_kernels
  let set: InstructionSet
  let threads: Int
  /// How many threads were asked for, to which a recorded tuning belongs.
  let tuningThreads: Int
  /// The arena of the image whose steps are bound.
  var arena: UnsafeMutableRawPointer
  /// The transformed weights that are not in the plan.
  let loadTimeWeights: UnsafeMutableRawPointer

  func bind(_ step: StepRecord) -> BoundStep {
    let output = plan.tensor(step.output)
    let operation =
      switch step.operation {
      case .input: bindInput(output)
      case .stem(let record): bindStem(record, step)
      case .convolution(let record): bindConvolution(record, step)
      case .pool(let record): bindPool(record, step)
      case .globalAverage(let record): bindGlobalAverage(record, step)
      case .linear(let record): bindLinear(record, step)
      case .scale(let record): bindScale(record, step)
      case .sigmoid: bindSigmoid(step)
      }
    return BoundStep(border: bindBorder(output), operation: operation)
  }

  /// What the kernels take off every quantized activation and zero point: 128 where bytes are int8.
  var flip: Int { Int(kernels.activation_flip) }

  /// The rows of a tensor from pixel (0, 0) on, or from so many pixels of the border above and to the left.
  func rows(_ tensor: TensorRecord, above: Int = 0, left: Int = 0) -> TensorRows {
    let elements =
      (tensor.border - above) * tensor.rowPitch + (tensor.border - left) * tensor.channels
    return TensorRows(
      start: arena + tensor.offset + elements * tensor.format.byteCount,
      pitch: tensor.rowPitch * tensor.format.byteCount)
  }

  /// The values of an output that is a vector; none without one.
  func values(_ tensor: Int?) -> UnsafeBufferPointer<Float> {
    guard let tensor else { return UnsafeBufferPointer(start: nil, count: 0) }
    let record = plan.tensor(tensor)
    return UnsafeBufferPointer(
      start: rows(record).start.assumingMemoryBound(to: Float.self), count: record.usedChannels)
  }

  /// Constants at an offset.
  func constants<Value>(_ offset: Int, as type: Value.Type) -> UnsafePointer<Value> {
    (plan.constants.baseAddress! + offset).assumingMemoryBound(to: type)
  }

  /// How threads share a convolution with so many rows of output.
  ///
  /// By rows, a thread reads mostly what it wrote itself and shares no cache line with another.
  /// Where the rows are few the weights are many: there each thread has its own output channels.
  func split(height: Int) -> Split { height < 7 * threads ? .channels : .rows }
}

/// What each thread has of a convolution's output.
enum Split { case rows, channels }

/// Rows of a tensor: the address of the first, and bytes from one to the next.
struct TensorRows {
  var start: UnsafeMutableRawPointer
  var pitch: Int

  subscript(row: Int) -> UnsafeMutableRawPointer { start + row * pitch }
}
