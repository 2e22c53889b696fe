// SPDX-License-Identifier: Apache-2.0

package import CResNetKernels
import ResNetPlanFormat

/// A kernel of a convolution, with the arguments that are the same for all its calls.
enum ConvolutionKernel {
  typealias Q8 = @convention(c) (UnsafePointer<rn_conv_q8_args>?, UInt32, UInt32) -> Void
  typealias WinogradQ8 =
    @convention(c) (UnsafePointer<rn_winograd_q8_args>?, UInt32, UInt32) -> Void
  typealias CodedQ8 = @convention(c) (UnsafePointer<rn_coded_q8_args>?, UInt32, UInt32) -> Void
  typealias Float32 = @convention(c) (UnsafePointer<rn_conv_float_args>?, UInt32, UInt32) -> Void
  typealias GroupedQ8 = @convention(c) (UnsafePointer<rn_grouped_q8_args>?, UInt32, UInt32) -> Void
  typealias GroupedFloat32 =
    @convention(c) (UnsafePointer<rn_grouped_float_args>?, UInt32, UInt32) -> Void
  typealias WinogradFloat32 =
    @convention(c) (UnsafePointer<rn_winograd_float_args>?, UInt32, UInt32) -> Void

  case q8(Q8, rn_conv_q8_args)
  case winogradQ8(WinogradQ8, rn_winograd_q8_args, Arithmetic.Algorithm)
  case codedQ8(CodedQ8, rn_coded_q8_args, Arithmetic.Algorithm)
  case groupedQ8(GroupedQ8, rn_grouped_q8_args, GroupedParts)
  case float(Float32, rn_conv_float_args)
  case groupedFloat(GroupedFloat32, rn_grouped_float_args, GroupedParts)
  case winogradFloat(WinogradFloat32, rn_winograd_float_args, Arithmetic.Algorithm)

  /// Convolves units between places.
  func callAsFunction(
    _ place: ConvolutionPlace, scratch: UnsafeMutableRawPointer, _ units: Range<Int>
  ) {
    let (first, last) = (UInt32(units.lowerBound), UInt32(units.upperBound))
    switch self {
    case .q8(let function, var arguments):
      place.set(&arguments)
      function(&arguments, first, last)
    case .winogradQ8(let function, var arguments, _):
      place.set(&arguments.conv)
      arguments.scratch = scratch
      function(&arguments, first, last)
    case .codedQ8(let function, var arguments, _):
      place.set(&arguments.conv)
      arguments.scratch = scratch
      function(&arguments, first, last)
    case .groupedQ8(let function, var arguments, let parts):
      place.set(&arguments.conv)
      parts.forEach(place.geometry, units) { blocks, first, last in
        arguments.conv.geometry.output_blocks = blocks
        if first < last { function(&arguments, first, last) }
        arguments.conv.weights += parts.weightBytes
        arguments.conv.bias += parts.channels
        arguments.conv.multiplier += parts.channels
        arguments.conv.output += parts.channels
        if let residual = arguments.conv.residual {
          arguments.conv.residual = residual + parts.channels
        }
      }
    case .float(let function, var arguments):
      place.set(&arguments)
      function(&arguments, first, last)
    case .groupedFloat(let function, var arguments, let parts):
      place.set(&arguments.conv)
      parts.forEach(place.geometry, units) { blocks, first, last in
        arguments.conv.geometry.output_blocks = blocks
        if first < last { function(&arguments, first, last) }
        arguments.conv.weights += parts.weightBytes
        arguments.conv.bias += parts.channels
        arguments.conv.output += parts.channels
        if let residual = arguments.conv.residual {
          arguments.conv.residual = residual + parts.channels
        }
      }
    case .winogradFloat(let function, var arguments, _):
      place.set(&arguments.conv)
      arguments.scratch = scratch
      function(&arguments, first, last)
    }
  }

  var algorithm: Arithmetic.Algorithm {
    switch self {
    case .q8, .float, .groupedQ8, .groupedFloat: .direct
    case .winogradQ8(_, _, let algorithm): algorithm
    case .codedQ8(_, _, let algorithm): algorithm
    case .winogradFloat(_, _, let algorithm): algorithm
    }
  }

  /// Units of pairs of channel blocks: of an output row each, or of a strip of tiles.
  func units(_ geometry: rn_conv_geometry) -> Int {
    let (height, width) = (geometry.output_height, geometry.output_width)
    guard algorithm != .direct else { return Int((geometry.output_blocks + 1) / 2 * height) }
    let tiles = rn_winograd_tiles(height, width, algorithm.tile.height, algorithm.tile.width)
    return Int((geometry.output_blocks + 1) / 2 * rn_winograd_strips(tiles))
  }

  var name: StepKernel {
    switch self {
    case .q8(let function, _): StepKernel(function, slot: "")
    case .winogradQ8(let function, _, let algorithm):
      StepKernel(function, slot: "", form: algorithm)
    case .codedQ8(let function, _, let algorithm):
      StepKernel(function, slot: "", form: algorithm)
    case .groupedQ8(let function, _, _): StepKernel(function, slot: "")
    case .float(let function, _): StepKernel(function, slot: "")
    case .groupedFloat(let function, _, _): StepKernel(function, slot: "")
    case .winogradFloat(let function, _, let algorithm):
      StepKernel(function, slot: "", form: algorithm)
    }
  }
}

/// How the output channels of a convolution with groups or dilation are parted among calls of its kernel.
///
/// With groups one call does all. Of one group with gaps, a call takes at most as many output channels as there are
/// input channels: more would be those of the next group.
package struct GroupedParts {
  /// Blocks of output channels of a call; a multiple of two if there are several calls.
  let blocks: UInt32
  /// Bytes of the weights of a call.
  package let weightBytes: Int

  package var channels: Int { Int(blocks) * PlanLayout.channelBlock }

  /// - Parameters:
  ///   - width: channels of a group.
  ///   - isOneGroup: whether it has all input channels.
  ///   - outputs: stored output channels.
  ///   - bytes: of the weights of an output channel.
  package init(width: Int, isOneGroup: Bool, outputs: Int, bytes: Int) {
    let channels = isOneGroup && outputs > width ? width / 32 * 32 : outputs
    blocks = UInt32(channels / PlanLayout.channelBlock)
    weightBytes = bytes * channels
  }

  /// Calls `body` with the blocks and the units of each call, as many as are within `units`.
  package func forEach(
    _ geometry: rn_conv_geometry, _ units: Range<Int>,
    _ body: (_ blocks: UInt32, _ first: UInt32, _ last: UInt32) -> Void
  ) {
    let (height, total) = (geometry.output_height, geometry.output_blocks)
    let (first, last) = (UInt32(units.lowerBound), UInt32(units.upperBound))
    var block: UInt32 = 0
    while block < total {
      let own = min(blocks, total - block)
      let start = block / 2 * height
      let end = start + (own + 1) / 2 * height
      let (from, to) = (max(first, start), min(last, end))
      body(own, from < to ? from - start : 0, from < to ? to - start : 0)
      block += own
    }
  }
}

/// Where a call of a convolution reads and writes.
struct ConvolutionPlace {
  var geometry: rn_conv_geometry
  var input: UnsafeMutableRawPointer
  var output: UnsafeMutableRawPointer
  var residual: UnsafeMutableRawPointer?

  func set(_ arguments: inout rn_conv_q8_args) {
    arguments.geometry = geometry
    arguments.input = UnsafePointer(input.assumingMemoryBound(to: UInt8.self))
    arguments.output = output.assumingMemoryBound(to: UInt8.self)
    arguments.residual = UnsafePointer(residual?.assumingMemoryBound(to: UInt8.self))
  }

  func set(_ arguments: inout rn_conv_float_args) {
    arguments.geometry = geometry
    arguments.input = UnsafePointer(input.assumingMemoryBound(to: Float.self))
    arguments.output = output.assumingMemoryBound(to: Float.self)
    arguments.residual = UnsafePointer(residual?.assumingMemoryBound(to: Float.self))
  }
}

/// The sums of a convolution between tensors.
struct ConvolutionSums {
  var kernel: ConvolutionKernel
  var geometry: rn_conv_geometry
  /// Input rows from one output row to the next, and from one row of the kernel to the next.
  var strideY, dilationY: Int
  var input, output: TensorRows
  var residual: TensorRows?

  /// The place of the output rows from `row` on.
  func place(fromRow row: Int = 0) -> ConvolutionPlace {
    ConvolutionPlace(
      geometry: geometry, input: input[row * strideY], output: output[row],
      residual: residual?[row])
  }
}

extension Binder {
  func sums(_ record: ConvolutionRecord, _ step: StepRecord) -> ConvolutionSums {
    let input = plan.tensor(step.input)
    let output = plan.tensor(step.output)
    let residual = step.hasResidual ? plan.tensor(step.residual) : nil
    var geometry = rn_conv_geometry()
    geometry.output_height = UInt32(output.height)
    geometry.output_width = UInt32(output.width)
    geometry.output_blocks = UInt32(output.channels / PlanLayout.channelBlock)
    geometry.kernel_rows = UInt32(record.kernelHeight)
    geometry.run = UInt32(
      record.isDense
        ? record.run(input, step.arithmetic.weights)
        : max(record.groupWidth(input), PlanLayout.channelBlock))
    geometry.input_row = record.dilationY * input.rowPitch
    geometry.step_y = record.strideY * input.rowPitch
    geometry.step_x = record.strideX * input.channels
    geometry.output_row = output.rowPitch
    geometry.output_pixel = output.channels
    if let residual { geometry.residual_row = residual.rowPitch }
    return ConvolutionSums(
      kernel: kernel(record, step.arithmetic, input, output, residual), geometry: geometry,
      strideY: record.strideY, dilationY: record.dilationY,
      input: rows(input, above: record.paddingTop, left: record.paddingLeft),
      output: rows(output), residual: residual.map { rows($0) })
  }

  private func kernel(
    _ record: ConvolutionRecord, _ arithmetic: Arithmetic, _ input: TensorRecord,
    _ output: TensorRecord, _ residual: TensorRecord?
  ) -> ConvolutionKernel {
    guard record.isDense else {
      return groupedKernel(record, arithmetic, input, output, residual)
    }
    let algorithm = arithmetic.algorithm
    switch arithmetic.accumulator {
    case .int32:
      let direct = quantizedArguments(record, output, residual)
      guard let form = algorithm.codedForm else { return .q8(kernels.conv_q8, direct) }
      var arguments = codedArguments(direct, record, count: algorithm.products * output.channels)
      arguments.form = form
      return .codedQ8(kernels.coded_q8, arguments, algorithm)
    case .float32, .float16:
      let direct = floatArguments(record, arithmetic)
      guard algorithm != .direct else { return .float(floatFunction(arithmetic), direct) }
      var arguments = rn_winograd_float_args()
      arguments.conv = direct
      arguments.weights =
        switch record.transformedPlace {
        case .constants: UnsafeRawPointer(constants(record.transformed, as: UInt8.self))
        case .madeAtLoad: UnsafeRawPointer(loadTimeWeights + record.transformed)
        }
      (arguments.tile_height, arguments.tile_width) = algorithm.tile
      return .winogradFloat(winogradFunction(arithmetic), arguments, algorithm)
    }
  }

  /// The kernel of a convolution with groups or dilation. Its fp16 weights have float32 sums.
  private func groupedKernel(
    _ record: ConvolutionRecord, _ arithmetic: Arithmetic, _ input: TensorRecord,
    _ output: TensorRecord, _ residual: TensorRecord?
  ) -> ConvolutionKernel {
    let width = record.groupWidth(input)
    let parts = GroupedParts(
      width: width, isOneGroup: record.groups == 1, outputs: output.channels,
      bytes: record.products(input, arithmetic.weights) * arithmetic.weights.byteCount)
    let (group, columns) = (UInt32(width), UInt32(record.kernelWidth))
    let column = record.dilationX * input.channels
    switch arithmetic.weights {
    case .int8:
      let arguments = rn_grouped_q8_args(
        conv: quantizedArguments(record, output, residual), group_channels: group,
        kernel_columns: columns, input_column: column)
      return .groupedQ8(kernels.grouped_q8, arguments, parts)
    case .float16, .float32:
      let arguments = rn_grouped_float_args(
        conv: floatArguments(record, arithmetic), group_channels: group, kernel_columns: columns,
        input_column: column)
      let function = arithmetic.weights == .float16 ? kernels.grouped_f16 : kernels.grouped_f32
      return .groupedFloat(function!, arguments, parts)
    }
  }

  private func quantizedArguments(
    _ record: ConvolutionRecord, _ output: TensorRecord, _ residual: TensorRecord?
  ) -> rn_conv_q8_args {
    var arguments = rn_conv_q8_args()
    arguments.weights = constants(record.weights, as: Int8.self)
    arguments.bias = biases(record, count: output.channels)
    arguments.multiplier = constants(record.multiplier, as: Float.self)
    arguments.low = record.low
    arguments.high = record.high
    arguments.output_zero = Int32(output.zeroPoint(flip: flip))
    arguments.output_lower = output.lowerByteDistance
    if let residual {
      arguments.residual_multiplier = record.residualFactor
      arguments.residual_zero = Int32(residual.zeroPoint(flip: flip))
      arguments.residual_lower = residual.lowerByteDistance
    }
    return arguments
  }

  /// - Parameter count: of starts.
  private func codedArguments(
    _ direct: rn_conv_q8_args, _ record: ConvolutionRecord, count: Int
  ) -> rn_coded_q8_args {
    var arguments = rn_coded_q8_args()
    arguments.conv = direct
    arguments.conv.weights = nil
    arguments.conv.bias = nil
    arguments.weights = constants(record.transformed, as: Int8.self)
    arguments.start = biases(record, count: count)
    arguments.shift = constants(record.shifts, as: Int32.self)
    arguments.step = constants(record.factors, as: Int16.self)
    arguments.zero = record.codeZero - Int32(flip)
    return arguments
  }

  /// Biases or starts for the inputs of this table.
  private func biases(_ record: ConvolutionRecord, count: Int) -> UnsafePointer<Int32> {
    constants(flip == 0 ? record.bias : record.flippedBias(count: count), as: Int32.self)
  }

  /// The direct kernel of weights and accumulators that are not integers.
  func floatFunction(_ arithmetic: Arithmetic) -> ConvolutionKernel.Float32 {
    switch (arithmetic.weights, arithmetic.accumulator) {
    case (.float16, .float16): kernels.conv_f16acc16
    case (.float16, _): kernels.conv_f16
    case (.float32, _), (.int8, _): kernels.conv_f32
    }
  }

  private func winogradFunction(_ arithmetic: Arithmetic) -> ConvolutionKernel.WinogradFloat32 {
    switch (arithmetic.weights, arithmetic.accumulator) {
    case (.float16, .float16): kernels.winograd_f16acc16
    case (.float16, _): kernels.winograd_f16
    case (.float32, _), (.int8, _): kernels.winograd_f32
    }
  }

  func floatArguments(
    _ record: ConvolutionRecord, _ arithmetic: Arithmetic
  ) -> rn_conv_float_args {
    var arguments = rn_conv_float_args()
    arguments.weights = UnsafeRawPointer(constants(record.weights, as: UInt8.self))
    arguments.bias = constants(record.bias, as: Float.self)
    arguments.low = record.low
    arguments.high = record.high
    return arguments
  }

  /// Makes the transformed weights of a step if they are not in the plan, and tells whether it did.
  func makeWeights(of step: StepRecord) -> Bool {
    guard let record = step.operation.convolution, record.transformedPlace == .madeAtLoad
    else { return false }
    let (height, width) = step.arithmetic.algorithm.tile
    let blocks = UInt32(plan.tensor(step.output).channels / PlanLayout.channelBlock)
    let channels = UInt32(plan.tensor(step.input).channels)
    let place = loadTimeWeights + record.transformed
    switch step.arithmetic.weights {
    case .float16:
      rn_winograd_f16_weights(
        height, width, constants(record.weights, as: UInt16.self), blocks, channels,
        place.assumingMemoryBound(to: UInt16.self))
    case .float32, .int8:
      rn_winograd_f32_weights(
        height, width, constants(record.weights, as: Float.self), blocks, channels,
        place.assumingMemoryBound(to: Float.self))
    }
    return true
  }
}
