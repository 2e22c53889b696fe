// SPDX-License-Identifier: Apache-2.0

/// The scratch memory of a float32 or fp16 convolution between tensors of which some are int8.
///
/// It works on strips of output rows: the input rows of a strip are dequantized into scratch memory, and
/// the output rows are computed there before they are quantized, so that no tensor exists in both formats
/// and each conversion finds its values in the cache.
public struct StripLayout: Equatable {
  /// A strip has one row, in a Winograd form one of tiles, or at most so many bytes.
  public static var byteLimit: Int { 384 << 10 }

  /// Output rows of a strip.
  public let rows: Int
  /// Input rows that a strip reads.
  public let inputRows: Int
  /// Floats from one row of the strip to the next; 0 where the kernel reads or writes the tensor itself.
  public let inputPitch, outputPitch: Int

  /// Bytes of the input's rows, which the output's follow.
  public var inputByteCount: Int { PlanLayout.aligned(4 * inputRows * inputPitch) }
  /// Bytes of a strip.
  public var byteCount: Int { inputByteCount + PlanLayout.aligned(4 * rows * outputPitch) }

  /// The layout for a convolution with float32 activations.
  public init(
    _ convolution: ConvolutionRecord, _ arithmetic: Arithmetic, input: TensorRecord,
    output: TensorRecord
  ) {
    inputPitch =
      input.format == arithmetic.activations
      ? 0
      : (input.width + convolution.paddingLeft + convolution.paddingRight) * input.channels
    outputPitch = output.format == arithmetic.activations ? 0 : output.width * output.channels
    // A row more of output is `strideY` rows more of input.
    let first =
      4 * convolution.reachHeight * inputPitch + 4 * outputPitch + 2 * PlanLayout.alignment
    let next = 4 * convolution.strideY * inputPitch + 4 * outputPitch
    let more = next == 0 ? output.height : max(StripLayout.byteLimit - first, 0) / next
    // Tiles lie as in the whole image.
    let tile = arithmetic.algorithm.tileHeight
    rows = min(max((1 + more) / tile, 1) * tile, output.height)
    inputRows = (rows - 1) * convolution.strideY + convolution.reachHeight
  }
}
