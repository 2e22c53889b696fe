// SPDX-License-Identifier: Apache-2.0

package import CResNetKernels

/// The kernels of an instruction-set level: those in C, and above `ref` those in Swift too.
package struct KernelTable {
  package var kernels = rn_kernels()

  package init(upTo set: InstructionSet) {
    rn_kernels_init(&kernels, set.level)
    guard set != .reference else { return }
    kernels.avgpool_f32 = rn_avgpool_f32_swiftsimd
    // Levels with flipped bytes have the others in C.
    guard kernels.activation_flip == 0 else { return }
    kernels.maxpool_f32 = rn_maxpool_f32_swiftsimd
    kernels.maxpool_q8 = rn_maxpool_q8_swiftsimd
    kernels.avgpool_q8 = rn_avgpool_q8_swiftsimd
    kernels.input_q8 = rn_input_q8_swiftsimd
  }

  /// Whether layers that may accumulate in fp16 do.
  package var hasHalfSums: Bool {
    StepKernel(kernels.conv_f16acc16, slot: "") != StepKernel(kernels.conv_f16, slot: "")
  }
}
