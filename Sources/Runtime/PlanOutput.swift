// SPDX-License-Identifier: Apache-2.0

public import ResNetPlanFormat

/// What a plan gives out after a run: the name, shape and numbers of one output.
///
/// ```swift
/// let layer3 = session.plan.output("layer3")!
/// var values = [Float](repeating: 0, count: layer3.count)
/// session.run(pixels.span)
/// var room = values.mutableSpan
/// session.read(layer3, into: &room)         // 256 × 14 × 14 numbers, channel by channel
/// ```
public struct PlanOutput: Equatable, Sendable {
  /// The order of an output's numbers: channel by channel, as PyTorch has them, or pixel by pixel.
  public enum Layout: Sendable { case nchw, nhwc }

  /// Its place among the outputs of the plan.
  public let index: Int
  /// Of a vector, such as logits, height and width are 1.
  public let height, width, channels: Int
  /// What the session has it in. Of uint8 a real value is `scale * (stored - zeroPoint)`.
  public let format: ActivationFormat
  public let scale: Float
  public let zeroPoint: Int
  let tensor: Int

  /// The number of values.
  public var count: Int { height * width * channels }

  /// The place of a value among all.
  func place(_ y: Int, _ x: Int, _ channel: Int, _ layout: Layout) -> Int {
    switch layout {
    case .nchw: (channel * height + y) * width + x
    case .nhwc: (y * width + x) * channels + channel
    }
  }
}

extension Plan {
  /// The number of outputs, at least 1.
  public var outputCount: Int { view.outputCount }

  /// The output at a place, below ``outputCount``.
  public func output(at index: Int) -> PlanOutput {
    let tensor = view.output(index).tensor
    let record = view.tensor(tensor)
    return PlanOutput(
      index: index, height: record.height, width: record.width, channels: record.usedChannels,
      format: record.format, scale: record.scale, zeroPoint: record.zeroPoint, tensor: tensor)
  }

  /// The output of a name, such as `layer3`; nil if there is none.
  ///
  /// - Parameter name: a `String` or, in Embedded Swift, a text ended by a zero byte.
  public func output(_ name: UnsafePointer<CChar>) -> PlanOutput? {
    view.output(named: name).map { output(at: $0) }
  }

  /// The name of an output, UTF-8 ended by a zero byte; valid as long as the plan lives.
  package func cName(of output: PlanOutput) -> UnsafePointer<CChar> {
    view.name(view.output(output.index).name)
  }

  #if !hasFeature(Embedded)
    /// The name of an output.
    ///
    /// - **Allocates:** the string.
    public func name(of output: PlanOutput) -> String { String(cString: cName(of: output)) }
  #endif
}

extension Session {
  /// Copies the values of an output of the last run as float32.
  ///
  /// Of an int8 plan they are the stored bytes times the output's scale; where a convolution wrote 16 bits, all of
  /// them count.
  ///
  /// - Parameters:
  ///   - output: an output of this session's plan.
  ///   - image: its place among the images of the run, below ``imageCount``.
  ///   - values: room for ``PlanOutput/count`` numbers at least.
  ///   - layout: the order of the numbers.
  /// - **Allocates:** nothing.
  public func read(
    _ output: PlanOutput, ofImage image: Int = 0, into values: inout MutableSpan<Float>,
    as layout: PlanOutput.Layout = .nchw
  ) {
    values.withUnsafeMutableBufferPointer { read(output, ofImage: image, into: $0, as: layout) }
  }

  /// Copies the stored bytes of an output of the last run.
  ///
  /// - Parameters:
  ///   - output: a uint8 output of this session's plan.
  ///   - image: its place among the images of the run, below ``imageCount``.
  ///   - bytes: room for ``PlanOutput/count`` bytes at least.
  ///   - layout: the order of the bytes.
  /// - **Allocates:** nothing.
  public func readBytes(
    _ output: PlanOutput, ofImage image: Int = 0, into bytes: inout MutableSpan<UInt8>,
    as layout: PlanOutput.Layout = .nchw
  ) {
    bytes.withUnsafeMutableBufferPointer {
      readBytes(output, ofImage: image, into: $0, as: layout)
    }
  }

  package func read(
    _ output: PlanOutput, ofImage image: Int = 0, into values: UnsafeMutableBufferPointer<Float>,
    as layout: PlanOutput.Layout
  ) {
    precondition(values.count >= output.count, "room for every value")
    let (record, flip) = (plan.view.tensor(output.tensor), kernels.activation_flip)
    let (lower, scale) = (record.lowerByteDistance, record.scale)
    forEachPixel(of: record, image) { y, x, pixel in
      for channel in 0..<output.channels {
        let place = output.place(y, x, channel, layout)
        switch record.format {
        case .float32: values[place] = pixel.load(fromByteOffset: 4 * channel, as: Float.self)
        case .uint8:
          let upper = Int(pixel.load(fromByteOffset: channel, as: UInt8.self) ^ flip)
          var steps = Float(upper - record.zeroPoint)
          if lower > 0 {
            let rest = Int(pixel.load(fromByteOffset: lower + channel, as: UInt8.self))
            steps = Float(256 * (upper - record.zeroPoint) + rest - 128) / 256
          }
          values[place] = scale * steps
        }
      }
    }
  }

  package func readBytes(
    _ output: PlanOutput, ofImage image: Int = 0, into bytes: UnsafeMutableBufferPointer<UInt8>,
    as layout: PlanOutput.Layout
  ) {
    precondition(bytes.count >= output.count, "room for every byte")
    precondition(output.format == .uint8, "an output of bytes")
    let flip = kernels.activation_flip
    forEachPixel(of: plan.view.tensor(output.tensor), image) { y, x, pixel in
      for channel in 0..<output.channels {
        let byte = pixel.load(fromByteOffset: channel, as: UInt8.self) ^ flip
        bytes[output.place(y, x, channel, layout)] = byte
      }
    }
  }

  /// Calls `body` with each pixel's row, column and first byte.
  func forEachPixel(
    of record: TensorRecord, _ image: Int, _ body: (Int, Int, UnsafeRawPointer) -> Void
  ) {
    let size = record.format.byteCount
    let first =
      arena(ofImage: image) + record.offset
      + record.border * (record.rowPitch + record.channels) * size
    for y in 0..<record.height {
      for x in 0..<record.width {
        body(y, x, first + (y * record.rowPitch + x * record.channels) * size)
      }
    }
  }
}
