// SPDX-License-Identifier: Apache-2.0

/// What a step computes, with the payload of its record.
public enum StepOperation: Equatable, Sendable {
  /// RGB8 pixels of the caller into the first tensor.
  case input
  /// The stem: convolution, ReLU and 3×3 maximum with stride 2, row by row through scratch memory.
  case stem(ConvolutionRecord)
  /// Convolution, with residual add and clamping in its epilogue.
  case convolution(ConvolutionRecord)
  /// The greatest or the mean of each window.
  case pool(PoolRecord)
  /// The mean over all pixels, a vector.
  case globalAverage(GlobalAverageRecord)
  /// A matrix product with a vector: the classifier, or a part of a gate.
  case linear(LinearRecord)
  /// Multiplies and shifts channels, with residual add, slopes and a clamp.
  case scale(ScaleRecord)
  /// `1 / (1 + exp(-x))` of a vector.
  case sigmoid

  /// The codes in a file, which never change.
  enum Code: UInt32 {
    case input = 0
    case stem = 1
    case convolution = 2
    case globalAverage = 3
    case linear = 4
    case pool = 5
    case scale = 6
    case sigmoid = 7
  }

  var code: Code {
    switch self {
    case .input: .input
    case .stem: .stem
    case .convolution: .convolution
    case .globalAverage: .globalAverage
    case .linear: .linear
    case .pool: .pool
    case .scale: .scale
    case .sigmoid: .sigmoid
    }
  }

  /// The name in listings.
  public var name: StaticString {
    switch self {
    case .input: "input"
    case .stem: "stem"
    case .convolution: "convolution"
    case .pool(let record): record.reduction.name
    case .globalAverage: "global mean"
    case .linear: "linear"
    case .scale(let record): record.hasGate ? "gate" : "scale"
    case .sigmoid: "sigmoid"
    }
  }

  /// Reads or writes the payload of an operation with a code.
  mutating func code(_ codec: inout RecordCodec, as code: Code) {
    switch (code, self) {
    case (.input, _): self = .input
    case (.stem, _): self = .stem(codec.payload(convolution))
    case (.convolution, _): self = .convolution(codec.payload(convolution))
    case (.globalAverage, .globalAverage(let record)): self = .globalAverage(codec.payload(record))
    case (.globalAverage, _): self = .globalAverage(codec.payload(nil))
    case (.linear, .linear(let record)): self = .linear(codec.payload(record))
    case (.linear, _): self = .linear(codec.payload(nil))
    case (.pool, .pool(let record)): self = .pool(codec.payload(record))
    case (.pool, _): self = .pool(codec.payload(nil))
    case (.scale, .scale(let record)): self = .scale(codec.payload(record))
    case (.scale, _): self = .scale(codec.payload(nil))
    case (.sigmoid, _): self = .sigmoid
    }
  }

  /// The convolution of a step that has one.
  public var convolution: ConvolutionRecord? {
    switch self {
    case .stem(let record), .convolution(let record): record
    case .input, .pool, .globalAverage, .linear, .scale, .sigmoid: nil
    }
  }
}
