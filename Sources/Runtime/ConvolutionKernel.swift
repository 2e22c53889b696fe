// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

/// A kernel of a convolution, with the arguments that are the same for all its calls.
enum ConvolutionKernel {
  typealias Q8 = @convention(c) (UnsafePointer<rn_conv_q8_args>?, UInt32, UInt32) -> Void
  typealias WinogradQ8 =
    @convention(c) (UnsafePointer<rn_winograd_q8_args>?, UInt32, UInt32) -> Void
  typealias CodedQ8 = @convention(c) (UnsafePointer<rn_coded_q8_args>?, UInt32, UInt32) -> Void
  typealias Float32 = @convention(c) (UnsafePointer<rn_conv_float_args>?, UInt32, UInt32) -> Void
  typealias WinogradFloat32 =
    @convention(c) (UnsafePointer<rn_winograd_float_args>?, UInt32, UInt32) -> Void

  case q8(Q8, rn_conv_q8_args)
  case winogradQ8(WinogradQ8, rn_winograd_q8_args, Arithmetic.Algorithm)
  case codedQ8(CodedQ8, rn_coded_q8_args, Arithmetic.Algorithm)
  case float(Float32, rn_conv_float_args)
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
    case .float(let function, var arguments):
      place.set(&arguments)
      function(&arguments, first, last)
    case .winogradFloat(let function, var arguments, _):
      place.set(&arguments.conv)
      arguments.scratch = scratch
      function(&arguments, first, last)
    }
  }

  var algorithm: Arithmetic.Algorithm {
    switch self {
    case .q8, .float: .direct
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
    case .float(let function, _): StepKernel(function, slot: "")
    case .winogradFloat(let function, _, let algorithm):
      StepKernel(function, slot: "", form: algorithm)
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
  /// Input rows from one output row to the next.
  var strideY: Int
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
    geometry.run = UInt32(record.run(input, step.arithmetic.weights))
    geometry.input_row = input.rowPitch
    geometry.step_y = record.strideY * input.rowPitch
    geometry.step_x = record.strideX * input.channels
    geometry.output_row = output.rowPitch
    geometry.output_pixel = output.channels
    if let residual { geometry.residual_row = residual.rowPitch }
    return ConvolutionSums(
      kernel: kernel(record, step.arithmetic, output, residual), geometry: geometry,
      strideY: record.strideY,
      input: rows(input, above: record.paddingTop, left: record.paddingLeft),
      output: rows(output), residual: residual.map { rows($0) })
  }

  private func kernel(
    _ record: ConvolutionRecord, _ arithmetic: Arithmetic, _ output: TensorRecord,
    _ residual: TensorRecord?
  ) -> ConvolutionKernel {
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
