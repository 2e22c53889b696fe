// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import CResNetPlatform
import CResNetThreads
import ResNetPlanFormat

/// Runs the steps of a validated plan on one or more threads.
///
/// Each step's output is partitioned in a fixed way, and all threads meet between steps, so
/// no thread reads what another is still writing.
struct Executor {
  let plan: PlanView
  let kernels: rn_kernels
  let level: rn_isa
  let arena: UnsafeMutableRawPointer
  /// The transformed weights that are not in the plan.
  let madeWeights: UnsafeMutableRawPointer
  let threads: Int
  let pool: OpaquePointer?
  var image: UnsafePointer<UInt8>
  /// Where the time of the start and of each step's end goes, if somebody wants it.
  var timestamps: UnsafeMutablePointer<Int64>?

  init(
    plan: PlanView, kernels: rn_kernels, level: rn_isa, arena: UnsafeMutableRawPointer,
    madeWeights: UnsafeMutableRawPointer, threads: Int, pool: OpaquePointer?
  ) {
    self.plan = plan
    self.kernels = kernels
    self.level = level
    self.arena = arena
    self.madeWeights = madeWeights
    self.threads = threads
    self.pool = pool
    image = UnsafePointer(arena.assumingMemoryBound(to: UInt8.self))
  }

  mutating func run() {
    takeTime(beforeStep: 0)
    runAllThreads()
    takeTime(beforeStep: plan.stepCount)
  }

  /// What the kernels take off every quantized activation and zero point: 128 where bytes are int8.
  private var flip: Int { Int(kernels.activation_flip) }

  /// Takes the time if that is wanted, on thread 0.
  private func takeTime(beforeStep index: Int) {
    if let timestamps { timestamps[index] = rn_monotonic_ns() }
  }

  private mutating func runAllThreads() {
    guard let pool else { return runSteps(thread: 0) }
    withUnsafeMutablePointer(to: &self) { executor in
      rn_pool_run(
        pool,
        { context, thread in
          let executor = context!.assumingMemoryBound(to: Executor.self)
          executor.pointee.runSteps(thread: Int(thread))
        }, executor)
    }
  }

  func vector(_ tensor: Int, count: Int) -> UnsafeBufferPointer<Float> {
    let start = arena + plan.tensor(tensor).offset
    return UnsafeBufferPointer(start: start.assumingMemoryBound(to: Float.self), count: count)
  }

  private func runSteps(thread: Int) {
    for index in 0..<plan.stepCount {
      if index > 0 {
        if let pool { rn_pool_barrier(pool) }
        if thread == 0 { takeTime(beforeStep: index) }
      }
      run(plan.step(index), thread)
    }
  }

  private func run(_ step: StepRecord, _ thread: Int) {
    let output = plan.tensor(step.output)
    fillBorder(output, thread)
    switch step.operation {
    case .input: convertInput(output, thread)
    case .stem: runStem(step, output, thread)
    case .convolution: runConvolution(step, output, thread)
    case .averagePool: if thread == 0 { runAveragePool(step, output) }
    case .linear: runLinear(step, output, thread)
    }
  }

  /// The part of `count` units that is this thread's.
  func share(of count: Int, _ thread: Int) -> Range<Int> {
    count * thread / threads..<count * (thread + 1) / threads
  }

  /// The address of pixel (0, 0), or of a pixel of the border.
  func pixel(_ tensor: TensorRecord, outside border: Int = 0) -> UnsafeMutableRawPointer {
    let pixels = tensor.border - border
    let elements = pixels * tensor.rowPitch + pixels * tensor.channels
    return arena + tensor.offset + elements * tensor.format.byteCount
  }

  /// Where a convolution begins to read its input for the output rows from `row` on.
  func input(of step: StepRecord, fromRow row: Int = 0) -> UnsafeMutableRawPointer {
    let input = plan.tensor(step.input)
    return pixel(input, outside: step.padding)
      + row * step.stride * input.rowPitch * input.format.byteCount
  }

  /// The residual's pixels from `row` on, if there is one.
  func residual(of step: StepRecord, fromRow row: Int = 0) -> UnsafeMutableRawPointer? {
    guard step.hasResidual else { return nil }
    let residual = plan.tensor(step.residual)
    return pixel(residual) + row * residual.rowPitch * residual.format.byteCount
  }

  private func fillBorder(_ tensor: TensorRecord, _ thread: Int) {
    guard tensor.border > 0 else { return }
    let row = tensor.rowPitch * tensor.format.byteCount
    let pattern =
      tensor.format == .q8
      ? tensor.borderPattern ^ UInt32(flip) * 0x0101_0101 : tensor.borderPattern
    let side = tensor.border * tensor.channels * tensor.format.byteCount
    for y in share(of: tensor.height + 2 * tensor.border, thread) {
      let start = arena + tensor.offset + y * row
      if y < tensor.border || y >= tensor.height + tensor.border {
        fill(start, row, pattern)
      } else {
        fill(start, side, pattern)
        fill(start + row - side, side, pattern)
      }
    }
  }

  private func fill(_ start: UnsafeMutableRawPointer, _ count: Int, _ pattern: UInt32) {
    if pattern == (pattern & 0xFF) &* 0x0101_0101 {
      memset(start, Int32(pattern & 0xFF), count)
    } else {
      for offset in stride(from: 0, to: count, by: 3) {
        for byte in 0..<3 {
          let value = UInt8(truncatingIfNeeded: pattern >> (8 * UInt32(byte)))
          start.storeBytes(of: value, toByteOffset: offset + byte, as: UInt8.self)
        }
      }
    }
  }

  private func convertInput(_ output: TensorRecord, _ thread: Int) {
    let mean = plan.preprocessing.mean
    let std = plan.preprocessing.std
    var arguments = rn_input_args()
    arguments.width = UInt32(output.width)
    arguments.mean = (mean.x, mean.y, mean.z)
    arguments.std = (std.x, std.y, std.z)
    for y in share(of: output.height, thread) {
      arguments.rgb = image + y * output.width * 3
      arguments.output = pixel(output) + y * output.rowPitch * output.format.byteCount
      if output.format == .q8 {
        kernels.input_q8(&arguments)
      } else {
        kernels.input_f32(&arguments)
      }
    }
  }

  func geometry(_ step: StepRecord, _ output: TensorRecord) -> rn_conv_geometry {
    let input = plan.tensor(step.input)
    var geometry = rn_conv_geometry()
    geometry.output_height = UInt32(output.height)
    geometry.output_width = UInt32(output.width)
    geometry.output_blocks = UInt32(output.channels / PlanLayout.channelBlock)
    geometry.kernel_rows = UInt32(step.kernelSize)
    geometry.run = UInt32(step.run(input))
    geometry.input_row = input.rowPitch
    geometry.step_y = step.stride * input.rowPitch
    geometry.step_x = step.stride * input.channels
    geometry.output_row = output.rowPitch
    geometry.output_pixel = output.channels
    if step.hasResidual { geometry.residual_row = plan.tensor(step.residual).rowPitch }
    return geometry
  }

  /// Convolves units into a place; unit 0 is of an output row.
  private func convolve(
    _ step: StepRecord, _ geometry: rn_conv_geometry, fromRow row: Int = 0,
    into output: UnsafeMutableRawPointer, zeroPoint: Int, _ units: Range<Int>
  ) {
    let input = UnsafeRawPointer(input(of: step, fromRow: row))
    let residual = UnsafeRawPointer(residual(of: step, fromRow: row))
    if step.format == .q8 {
      var arguments = quantizedArguments(step, geometry, input, output, residual, zeroPoint)
      kernels.conv_q8(&arguments, UInt32(units.lowerBound), UInt32(units.upperBound))
    } else {
      convolveFloats(step, geometry, input, output, residual, units)
    }
  }

  private func quantizedArguments(
    _ step: StepRecord, _ geometry: rn_conv_geometry, _ input: UnsafeRawPointer,
    _ output: UnsafeMutableRawPointer, _ residual: UnsafeRawPointer?, _ zeroPoint: Int
  ) -> rn_conv_q8_args {
    let constants = plan.constants.baseAddress!
    var arguments = rn_conv_q8_args()
    arguments.geometry = geometry
    arguments.input = input.assumingMemoryBound(to: UInt8.self)
    arguments.weights = (constants + step.weights).assumingMemoryBound(to: Int8.self)
    let bias =
      flip == 0
      ? step.bias
      : step.flippedBias(channels: Int(geometry.output_blocks) * PlanLayout.channelBlock)
    arguments.bias = (constants + bias).assumingMemoryBound(to: Int32.self)
    arguments.multiplier = (constants + step.multiplier).assumingMemoryBound(to: Float.self)
    arguments.output = output.assumingMemoryBound(to: UInt8.self)
    arguments.low = step.low
    arguments.high = step.high
    arguments.output_zero = Int32(zeroPoint - flip)
    if let residual {
      arguments.residual = residual.assumingMemoryBound(to: UInt8.self)
      arguments.residual_multiplier = step.factor
      arguments.residual_zero = Int32(plan.tensor(step.residual).zeroPoint - flip)
    }
    return arguments
  }

  private func runConvolution(_ step: StepRecord, _ output: TensorRecord, _ thread: Int) {
    if converts(step, output) { return runConvertingConvolution(step, output, thread) }
    var geometry = geometry(step, output)
    if let winograd = winograd(of: step) {
      return step.format == .q8
        ? runWinograd(step, winograd, geometry, output, thread)
        : runHalfWinograd(step, winograd, geometry, output, thread)
    }
    // By rows, a thread reads mostly what it wrote itself and shares no cache line with another.
    // Where the rows are few the weights are many: there each thread has its own output channels.
    if output.height < 7 * threads {
      let part = share(of: Int(rn_conv_units(&geometry)), thread)
      return convolve(step, geometry, into: pixel(output), zeroPoint: output.zeroPoint, part)
    }
    let rows = share(of: output.height, thread)
    geometry.output_height = UInt32(rows.count)
    convolve(
      step, geometry, fromRow: rows.lowerBound,
      into: pixel(output) + rows.lowerBound * output.rowPitch * output.format.byteCount,
      zeroPoint: output.zeroPoint, 0..<Int(rn_conv_units(&geometry)))
  }

  /// The Winograd form of a step, if the plan has one for the level in use.
  func winograd(of step: StepRecord) -> WinogradRecord? {
    guard let winograd = step.winograd, winograd.levels >> UInt32(level.rawValue) & 1 != 0 else {
      return nil
    }
    // In fp16 the form decides the last bits, so that it is the same everywhere.
    return step.format == .q8 && isTooMuchToRead(winograd, step) ? nil : winograd
  }

  /// Whether direct sums take less time than reading the transformed weights.
  ///
  /// Boards of level neon read about 4 GB/s, whatever the number of cores: with three of them a layer of
  /// 512 channels, 19 MB in F(4×4), would wait for its weights. One or two are busy that long.
  private func isTooMuchToRead(_ winograd: WinogradRecord, _ step: StepRecord) -> Bool {
    let inputs = plan.tensor(step.input).channels
    let outputs = plan.tensor(step.output).channels
    return level == RN_ISA_NEON && threads > 2
      && winograd.byteCount(inputs: inputs, outputs: outputs) > 8 << 20
  }

  private func runWinograd(
    _ step: StepRecord, _ winograd: WinogradRecord, _ geometry: rn_conv_geometry,
    _ output: TensorRecord, _ thread: Int
  ) {
    var arguments = rn_winograd_q8_args()
    arguments.conv = quantizedArguments(
      step, geometry, input(of: step), pixel(output), UnsafeRawPointer(residual(of: step)),
      output.zeroPoint)
    arguments.weights = (plan.constants.baseAddress! + winograd.weights)
      .assumingMemoryBound(to: Int16.self)
    arguments.tile_height = UInt32(winograd.tileHeight)
    arguments.tile_width = UInt32(winograd.tileWidth)
    arguments.scratch = scratch(thread)
    let units = share(of: Int(rn_winograd_q8_units(&arguments)), thread)
    kernels.winograd_q8(&arguments, UInt32(units.lowerBound), UInt32(units.upperBound))
  }

  /// Keeps the last three rows of the convolution in scratch memory, row r in slot r % 3, so that the
  /// tensor between convolution and maximum never exists.
  private func runStem(_ step: StepRecord, _ output: TensorRecord, _ thread: Int) {
    let input = plan.tensor(step.input)
    let size = step.format.activations.byteCount
    let height = (input.height + 2 * step.padding - step.kernelSize) / step.stride + 1
    let width = (input.width + 2 * step.padding - step.kernelSize) / step.stride + 1
    let pixelBytes = output.channels * size
    let rowBytes = PlanLayout.aligned((width + 2) * pixelBytes)
    let scratch = scratch(thread)
    let zero = Int32(step.format == .q8 ? flip : 0)
    for slot in 0..<3 {
      memset(scratch + slot * rowBytes, zero, pixelBytes)
      memset(scratch + slot * rowBytes + (width + 1) * pixelBytes, zero, pixelBytes)
    }
    // A row at a time, of all output channels.
    var geometry = geometry(step, output)
    geometry.output_height = 1
    geometry.output_width = UInt32(width)
    geometry.output_row = 0
    let units = Int(rn_conv_units(&geometry))

    let rows = share(of: output.height, thread)
    var nextRow = max(2 * rows.lowerBound - 1, 0)
    for y in rows {
      let last = min(2 * y + 1, height - 1)
      while nextRow <= last {
        let slot = scratch + nextRow % 3 * rowBytes + pixelBytes
        convolve(step, geometry, fromRow: nextRow, into: slot, zeroPoint: 0, 0..<units)
        nextRow += 1
      }
      var arguments = rn_maxpool_args()
      arguments.rows = (
        UnsafeRawPointer(scratch + max(2 * y - 1, 0) % 3 * rowBytes),
        UnsafeRawPointer(scratch + 2 * y % 3 * rowBytes),
        UnsafeRawPointer(scratch + last % 3 * rowBytes)
      )
      arguments.output = pixel(output) + y * output.rowPitch * output.format.byteCount
      arguments.output_width = UInt32(output.width)
      arguments.channels = UInt32(output.channels)
      if step.format == .q8 {
        kernels.maxpool_q8(&arguments)
      } else if output.format == .f32 {
        kernels.maxpool_f32(&arguments)
      } else {
        let row = scratch + 3 * rowBytes
        let to = arguments.output!
        arguments.output = row
        kernels.maxpool_f32(&arguments)
        quantize(row, output, to, 0..<output.channels, pixels: output.width)
      }
    }
  }

  func scratch(_ thread: Int) -> UnsafeMutableRawPointer {
    arena + PlanLayout.aligned(plan.arenaByteCount + Session.overread)
      + thread * PlanLayout.aligned(plan.scratchByteCount + Session.overread)
  }

  private func runAveragePool(_ step: StepRecord, _ output: TensorRecord) {
    let input = plan.tensor(step.input)
    var arguments = rn_avgpool_args()
    arguments.input = UnsafeRawPointer(pixel(input))
    arguments.input_row = input.rowPitch
    arguments.height = UInt32(input.height)
    arguments.width = UInt32(input.width)
    arguments.channels = UInt32(input.channels)
    arguments.multiplier = step.factor
    arguments.features = pixel(output).assumingMemoryBound(to: Float.self)
    if input.format == .q8 {
      kernels.avgpool_q8(&arguments)
    } else {
      kernels.avgpool_f32(&arguments)
    }
  }

  private func runLinear(_ step: StepRecord, _ output: TensorRecord, _ thread: Int) {
    guard step.format == .q8 else {
      // A 1×1 convolution of one pixel, without a clamp.
      var geometry = rn_conv_geometry()
      geometry.output_height = 1
      geometry.output_width = 1
      geometry.output_blocks = UInt32(output.channels / PlanLayout.channelBlock)
      geometry.kernel_rows = 1
      geometry.run = UInt32(plan.tensor(step.input).channels)
      let units = share(of: Int(rn_conv_units(&geometry)), thread)
      return convolve(step, geometry, into: pixel(output), zeroPoint: 0, units)
    }
    let input = plan.tensor(step.input)
    let constants = plan.constants.baseAddress!
    var arguments = rn_linear_q8_args()
    arguments.features = UnsafePointer(pixel(input).assumingMemoryBound(to: Float.self))
    arguments.weights = (constants + step.weights).assumingMemoryBound(to: Int8.self)
    arguments.multiplier = (constants + step.multiplier).assumingMemoryBound(to: Float.self)
    arguments.bias = (constants + step.bias).assumingMemoryBound(to: Float.self)
    arguments.logits = pixel(output).assumingMemoryBound(to: Float.self)
    arguments.inputs = UInt32(input.channels)
    arguments.output_blocks = UInt32(output.channels / PlanLayout.channelBlock)
    let blocks = share(of: Int(arguments.output_blocks), thread)
    kernels.linear_q8(&arguments, UInt32(blocks.lowerBound), UInt32(blocks.upperBound))
  }
}
