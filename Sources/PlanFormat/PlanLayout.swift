// SPDX-License-Identifier: Apache-2.0

/// The layout of a plan file.
///
/// All numbers are little-endian. The file is a header of 512 bytes and then the sections, in
/// the order of ``PlanSection``, each starting at a multiple of 64 and padded with zeros to the next.
///
/// | header bytes | type | content |
/// |---|---|---|
/// | 0–7 | | magic `RNPLAN\r\n` |
/// | 8–11 | u32 | format version, 3 |
/// | 12–15 | u32 | number of sections, 8 |
/// | 16–23 | u64 | size of the file in bytes |
/// | 24–31 | u64 | arena: bytes for all tensors |
/// | 32–39 | u64 | scratch: bytes for each thread |
/// | 40–47 | u64 | transformed weights that a session makes, bytes |
/// | 48–63 | | 0 |
/// | 64 + 32 s | u32 | kind of section s, equal to s |
/// | 68 + 32 s | u32 | CRC-32C of the section, padding included |
/// | 72 + 32 s | u64 | offset in the file |
/// | 80 + 32 s | u64 | size without padding |
/// | 88 + 32 s | u64 | 0 |
/// | 320–507 | | 0 |
/// | 508–511 | u32 | CRC-32C of bytes 0–507 |
///
/// Tensor and step records are described at ``TensorRecord`` and ``StepRecord``, the fixed
/// sections at ``ModelRecord`` and ``PreprocessingRecord``.
public enum PlanLayout {
  public static var magic: StaticString { "RNPLAN\r\n" }
  public static var version: UInt32 { 3 }
  public static var headerByteCount: Int { 512 }
  public static var sectionCount: Int { 8 }
  public static var sectionTableOffset: Int { 64 }
  public static var sectionEntryByteCount: Int { 32 }
  public static var headerCRCOffset: Int { 508 }

  /// Sections, tensors and constants start at multiples of this.
  public static var alignment: Int { 64 }

  /// Channels come in blocks of this many.
  public static var channelBlock: Int { 16 }

  /// Rounds up to a multiple of ``alignment``.
  public static func aligned(_ count: Int) -> Int {
    (count + alignment - 1) / alignment * alignment
  }
}

/// The sections of a plan, in file order.
public enum PlanSection: UInt32, Sendable {
  /// One ``ModelRecord``.
  case model
  /// One ``PreprocessingRecord``.
  case preprocessing
  /// Names, each ended by a zero byte; records refer to them by byte offset.
  case strings
  /// The class names in the order of the logits, each ended by a zero byte; empty if there are none.
  case classes
  /// Lines of `key: value`, ended by a zero byte.
  case provenance
  /// ``TensorRecord``s.
  case tensors
  /// ``StepRecord``s in the order of execution.
  case steps
  /// Packed weights, biases and multipliers; records refer to them by byte offset.
  case constants

  /// The name in messages.
  public var name: StaticString {
    switch self {
    case .model: "model"
    case .preprocessing: "preprocessing"
    case .strings: "strings"
    case .classes: "classes"
    case .provenance: "provenance"
    case .tensors: "tensors"
    case .steps: "steps"
    case .constants: "constants"
    }
  }
}

/// How the elements of a tensor or the weights of a step are stored.
public enum ElementFormat: UInt32, Sendable {
  /// uint8 activations with scale and zero point; int8 weights.
  case q8
  /// float32.
  case f32
  /// IEEE 754 binary16: weights alone, whose activations are float32.
  case f16

  /// Bytes of an element.
  public var byteCount: Int {
    switch self {
    case .q8: 1
    case .f32: 4
    case .f16: 2
    }
  }

  /// The format of the activations that a step with these weights computes with.
  public var activations: ElementFormat { self == .q8 ? .q8 : .f32 }

  /// The name in listings.
  public var name: StaticString {
    switch self {
    case .q8: "int8"
    case .f32: "fp32"
    case .f16: "fp16"
    }
  }
}

/// How the weights of a layer are stored.
public enum WeightFormat: UInt8, Sendable {
  /// Symmetric int8, -127…127, with one scale for each output channel.
  case int8
  /// IEEE 754 binary16.
  case float16
  case float32

  /// The name in listings.
  public var name: StaticString {
    switch self {
    case .int8: "int8"
    case .float16: "fp16"
    case .float32: "fp32"
    }
  }
}

#if !hasFeature(Embedded)
  // The list of all cases is an array, which needs the heap.
  extension WeightFormat: CaseIterable {}
#endif

/// What a step computes.
public enum StepOperation: UInt32, Sendable {
  /// RGB8 pixels of the caller into the first tensor.
  case input
  /// The stem: convolution, ReLU and 3×3 maximum with stride 2, row by row through scratch memory.
  case stem
  /// Convolution, with residual add and clamping in its epilogue.
  case convolution
  /// The mean over all pixels: the features.
  case averagePool
  /// The classifier: the logits.
  case linear

  /// The name in listings.
  public var name: StaticString {
    switch self {
    case .input: "input"
    case .stem: "stem"
    case .convolution: "convolution"
    case .averagePool: "average pool"
    case .linear: "linear"
    }
  }
}
