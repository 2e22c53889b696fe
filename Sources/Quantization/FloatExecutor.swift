// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetModelGraph
import ResNetPlanFormat
package import ResNetPlanning
import ResNetRuntime

/// Runs a fused graph in float32, the reference that scales are found with.
///
/// It calls the float32 kernels, whose sums have one fixed order, so that calibration finds the same
/// scales on every CPU. Tensors that are not live at the same time share memory.
package final class FloatExecutor {
  private let model: FloatModel
  private let kernels: rn_kernels
  private let arena: FloatBuffer
  /// Those of the program, and behind them the stem's before its max pool.
  private let tensors: [FloatTensor]

  package init(_ model: FloatModel) {
    self.model = model
    kernels = KernelTable(upTo: .best).kernels
    let program = model.program
    var tensors = program.tensors.indices.map {
      FloatTensor(program.tensors[$0], channels: program.storedChannels(of: $0))
    }
    var lifetimes = program.lifetimes
    for (index, operation) in program.operations.enumerated() {
      guard case .stem(let stem) = operation.kind else { continue }
      var shape = program.tensors[operation.output]
      shape.height = stem.outputHeight(program.tensors[operation.input].height)
      shape.width = stem.outputWidth(program.tensors[operation.input].width)
      shape.border = 1
      tensors.append(FloatTensor(shape, channels: PlanLayout.paddedChannels(shape.channels)))
      lifetimes.append(index...index)
    }
    let buffers = zip(tensors, lifetimes).map {
      ArenaPlanner.Buffer(byteCount: 4 * $0.count, lifetime: $1)
    }
    let (offsets, byteCount) = ArenaPlanner.place(buffers)
    arena = FloatBuffer(count: byteCount / 4)
    for index in tensors.indices { tensors[index].start = arena.start + offsets[index] / 4 }
    self.tensors = tensors
  }

  /// Computes every tensor for an image of the program's size, RGB8.
  ///
  /// - Parameter visit: told the number of each tensor once it is computed. Its values last until `visit`
  ///   returns; those of features and logits, until the next image.
  package func run(_ pixels: [UInt8], visit: (Int) throws -> Void) rethrows {
    precondition(pixels.count == 3 * model.program.inputHeight * model.program.inputWidth)
    for (index, operation) in model.program.operations.enumerated() {
      let output = tensors[operation.output]
      let input = tensors[operation.input]
      output.clear()
      switch operation.kind {
      case .input: convert(pixels, output)
      case .stem(let stem):
        let unpooled = tensors[model.program.tensors.count]
        unpooled.clear()
        convolve(index, stem, input, nil, unpooled, low: 0, high: operation.upper)
        poolStem(unpooled, output)
      case .convolution(let layer), .linear(let layer):
        convolve(
          index, layer, input, operation.residual.map { tensors[$0] }, output,
          low: operation.isRectified ? 0 : -.infinity, high: operation.upper)
      case .maxPool(let window): pool(input, output, window, kernels.windowmax_f32)
      case .averagePool(let window): pool(input, output, window, kernels.windowavg_f32)
      case .blurPool(let stride):
        pool(
          input, output, Network.Pool(kernel: 3, stride: stride, padding: 1),
          kernels.windowblur_f32)
      case .sigmoid: kernels.sigmoid_f32(input.pixel(), output.pixel(), UInt32(output.channels))
      case .scale(let scale): self.scale(scale, operation, input, output)
      case .globalAverage: average(input, output)
      }
      try visit(operation.output)
    }
  }

  /// Computes the outputs for an image of the program's size, RGB8.
  package func run(_ pixels: [UInt8]) {
    run(pixels) { _ in }
  }

  /// Calls `body` with each run of contiguous values of a tensor, while they last, that belong to used channels.
  package func forEachRun(of tensor: Int, _ body: (UnsafeBufferPointer<Float>) -> Void) {
    let tensor = tensors[tensor]
    for y in 0..<tensor.height {
      let row = tensor.pixel() + y * tensor.rowPitch
      if tensor.usedChannels == tensor.channels {
        body(UnsafeBufferPointer(start: row, count: tensor.width * tensor.channels))
      } else {
        for x in 0..<tensor.width {
          body(UnsafeBufferPointer(start: row + x * tensor.channels, count: tensor.usedChannels))
        }
      }
    }
  }

  /// The values of a tensor, without border and padding.
  package func values(of tensor: Int) -> [Float] {
    var values: [Float] = []
    read(tensor, into: &values)
    return values
  }

  /// Replaces an array by the values of a tensor; allocates only if they do not fit.
  package func read(_ tensor: Int, into values: inout [Float]) {
    values.removeAll(keepingCapacity: true)
    forEachRun(of: tensor) { values.append(contentsOf: $0) }
  }

  private func convert(_ pixels: [UInt8], _ output: FloatTensor) {
    pixels.withUnsafeBufferPointer { rgb in
      var arguments = rn_input_args()
      arguments.width = UInt32(output.width)
      let (mean, std) = (model.preprocessing.mean, model.preprocessing.std)
      arguments.mean = (mean.x, mean.y, mean.z)
      arguments.std = (std.x, std.y, std.z)
      for y in 0..<output.height {
        arguments.rgb = rgb.baseAddress! + y * output.width * 3
        arguments.output = UnsafeMutableRawPointer(output.pixel() + y * output.rowPitch)
        kernels.input_f32(&arguments)
      }
    }
  }

  private func convolve(
    _ index: Int, _ shape: Convolution, _ input: FloatTensor, _ residual: FloatTensor?,
    _ output: FloatTensor, low: Float, high: Float
  ) {
    var arguments = rn_conv_float_args()
    arguments.geometry.output_height = UInt32(output.height)
    arguments.geometry.output_width = UInt32(output.width)
    arguments.geometry.output_blocks = UInt32(output.channels / 16)
    arguments.geometry.kernel_rows = UInt32(shape.kernelSize)
    arguments.geometry.run = UInt32(shape.kernelSize * input.channels)
    arguments.geometry.input_row = shape.dilation * input.rowPitch
    arguments.geometry.step_y = shape.stride * input.rowPitch
    arguments.geometry.step_x = shape.stride * input.channels
    arguments.geometry.output_row = output.rowPitch
    arguments.geometry.output_pixel = output.channels
    arguments.geometry.residual_row = residual?.rowPitch ?? 0
    arguments.input = UnsafePointer(
      input.pixel(above: shape.padding.top, left: shape.padding.left))
    arguments.weights = UnsafeRawPointer(model.weights[index]!.start)
    arguments.bias = UnsafePointer(model.biases[index]!.start)
    arguments.residual = residual.map { UnsafePointer($0.pixel()) }
    arguments.output = output.pixel()
    arguments.low = low
    arguments.high = high
    let units = rn_conv_units(&arguments.geometry)
    guard shape.isDense else {
      return convolveGroups(shape, arguments, inputs: input.channels, units: Int(units))
    }
    kernels.conv_f32(&arguments, 0, units)
  }

  private func convolveGroups(
    _ shape: Convolution, _ direct: rn_conv_float_args, inputs: Int, units: Int
  ) {
    let width = shape.groupWidth ?? inputs
    var arguments = rn_grouped_float_args(
      conv: direct, group_channels: UInt32(width), kernel_columns: UInt32(shape.kernelSize),
      input_column: shape.dilation * inputs)
    arguments.conv.geometry.run = UInt32(max(width, 16))
    let taps = shape.kernelSize * shape.kernelSize
    let parts = GroupedParts(
      width: width, isOneGroup: shape.groupWidth == nil,
      outputs: 16 * Int(direct.geometry.output_blocks), bytes: 4 * taps * width)
    parts.forEach(direct.geometry, 0..<units) { blocks, first, last in
      arguments.conv.geometry.output_blocks = blocks
      kernels.grouped_f32(&arguments, first, last)
      arguments.conv.weights += parts.weightBytes
      arguments.conv.bias += parts.channels
      arguments.conv.output += parts.channels
      if let residual = arguments.conv.residual {
        arguments.conv.residual = residual + parts.channels
      }
    }
  }

  private func scale(
    _ scale: ChannelScale, _ operation: Program.Operation, _ input: FloatTensor,
    _ output: FloatTensor
  ) {
    func constants(_ values: [Float]?, default value: Float) -> [Float] {
      let own = values ?? [Float](repeating: value, count: output.usedChannels)
      return padded(own)
    }
    var multipliers = constants(scale.multiplier, default: 1)
    if let gate = operation.gate {
      multipliers = (0..<output.channels).map { tensors[gate].pixel()[$0] }
    }
    let offsets = constants(scale.offset, default: 0)
    let slopes = constants(scale.slope, default: 1)
    var arguments = rn_scale_f32_args()
    arguments.input = UnsafePointer(input.pixel())
    arguments.output = output.pixel()
    (arguments.input_row, arguments.output_row) = (input.rowPitch, output.rowPitch)
    (arguments.width, arguments.channels) = (UInt32(output.width), UInt32(output.channels))
    if let residual = operation.residual {
      arguments.residual = UnsafePointer(tensors[residual].pixel())
      arguments.residual_row = tensors[residual].rowPitch
    }
    (arguments.low, arguments.high) = (operation.isRectified ? 0 : -.infinity, operation.upper)
    multipliers.withUnsafeBufferPointer { multipliers in
      offsets.withUnsafeBufferPointer { offsets in
        slopes.withUnsafeBufferPointer { slopes in
          arguments.multiplier = multipliers.baseAddress
          arguments.offset = offsets.baseAddress
          arguments.slope = scale.slope == nil ? nil : slopes.baseAddress
          kernels.scale_f32(&arguments, 0, UInt32(output.height))
        }
      }
    }
  }

  private func poolStem(_ input: FloatTensor, _ output: FloatTensor) {
    var arguments = rn_maxpool_args()
    arguments.output_width = UInt32(output.width)
    arguments.channels = UInt32(output.channels)
    for y in 0..<output.height {
      let top = input.pixel(outside: 1) + 2 * y * input.rowPitch
      arguments.rows = (
        UnsafeRawPointer(top), UnsafeRawPointer(top + input.rowPitch),
        UnsafeRawPointer(top + 2 * input.rowPitch)
      )
      arguments.output = UnsafeMutableRawPointer(output.pixel() + y * output.rowPitch)
      kernels.maxpool_f32(&arguments)
    }
  }

  private func pool(
    _ input: FloatTensor, _ output: FloatTensor, _ window: Network.Pool,
    _ kernel: (UnsafePointer<rn_window_args>?, UInt32, UInt32) -> Void
  ) {
    var arguments = rn_window_args()
    arguments.input = UnsafeRawPointer(input.pixel())
    arguments.output = UnsafeMutableRawPointer(output.pixel())
    arguments.input_row = input.rowPitch
    arguments.output_row = output.rowPitch
    arguments.input_height = UInt32(input.height)
    arguments.input_width = UInt32(input.width)
    arguments.output_height = UInt32(output.height)
    arguments.output_width = UInt32(output.width)
    arguments.channels = UInt32(input.channels)
    arguments.kernel_height = UInt32(window.kernel.height)
    arguments.kernel_width = UInt32(window.kernel.width)
    arguments.stride_y = UInt32(window.stride.height)
    arguments.stride_x = UInt32(window.stride.width)
    arguments.padding_top = UInt32(window.padding.top)
    arguments.padding_left = UInt32(window.padding.left)
    arguments.counts_padding = window.countsPadding ? 1 : 0
    kernel(&arguments, 0, arguments.output_height)
  }

  private func average(_ input: FloatTensor, _ output: FloatTensor) {
    var arguments = rn_avgpool_args()
    arguments.input = UnsafeRawPointer(input.pixel())
    arguments.input_row = input.rowPitch
    arguments.height = UInt32(input.height)
    arguments.width = UInt32(input.width)
    arguments.channels = UInt32(input.channels)
    arguments.multiplier = 1 / Float(input.height * input.width)
    arguments.features = output.pixel()
    kernels.avgpool_f32(&arguments)
  }

  /// Whether no value of a tensor is infinite or not a number.
  func isFinite(_ tensor: Int) -> Bool {
    // The order of magnitudes is that of their bits, with infinity and NaN above all numbers.
    var greatest: UInt32 = 0
    forEachRun(of: tensor) { values in
      for value in values { greatest = max(greatest, value.magnitude.bitPattern) }
    }
    return greatest < Float.infinity.bitPattern
  }
}
