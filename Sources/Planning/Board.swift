// SPDX-License-Identifier: Apache-2.0

/// A board, or a kind of machine, that a plan is made for.
///
/// What a board decides is what a plan fixes: the Winograd forms of fp16 and float32 layers, and whether sums may be
/// in fp16. int8 plans are the same for all; their sessions choose by measuring.
public enum Board: String, CaseIterable, Sendable {
  case pi5, pi4, pi3, zero2w, n100, n5105, x86, any

  /// The CPU, as far as a plan depends on it.
  public var cpu: String {
    switch self {
    case .pi5: "Cortex-A76, with fp16 arithmetic"
    case .pi4: "Cortex-A72"
    case .pi3, .zero2w: "Cortex-A53"
    case .n100: "AVX2"
    case .n5105: "SSE4.2, without AVX2"
    case .x86: "AVX2 or AVX-512"
    case .any: "any CPU"
    }
  }

  /// The levels whose times decide the Winograd forms of fp16 and float32 layers; all if there are none.
  public var targets: [PlanTarget] {
    switch self {
    case .pi5, .pi4, .pi3, .zero2w: [.neon]
    case .n100: [.avx2]
    case .n5105: [.sse42]
    case .x86: [.avx2, .avx512vnni]
    case .any: []
    }
  }

  /// Whether there are kernels for fp16 and float32 layers; without, they take seconds.
  public var hasFloatKernels: Bool { self != .n5105 }

  /// Whether its CPU has an 8-bit dot product, without which coded convolutions take longer than exact forms.
  public var hasDotProduct: Bool {
    switch self {
    case .pi5, .n100, .x86, .any: true
    case .pi4, .pi3, .zero2w, .n5105: false
    }
  }

  /// Whether its CPU sums in fp16.
  public var hasHalfSums: Bool { self == .pi5 }
}
